/** The collector on the real runtime: Telegram, a channel's web page, and what of them is handed on. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { makeCollector } from "../../../src/actors/collector/collector.ts"
import { postsCollected } from "../../../src/topics/postsCollected.ts"
import { jpeg } from "../telegram/sandbox.ts"
import { assignment, startStage } from "./stage.ts"

const subjects = [
  "harbour crane",
  "night train",
  "bread oven",
  "glacier survey",
  "village choir",
  "river ferry",
  "stone bridge"
]
const story = (id: number) =>
  `The ${subjects[id % subjects.length]} of year ${1900 + id} was opened by ${id} people; it had cost ${id * 731} crowns.`
const old = 1_700_000_000
const post = (id: number) => ({ id, date: old + id, text: story(id) })
const due = (backfill?: number) => ({
  source: { kind: "telegram", username: "source_channel" },
  assignment,
  ...(backfill === undefined ? {} : { backfill })
})
const picture = Effect.map(
  Effect.promise(() => jpeg()),
  (bytes) => ({ bytes: () => bytes, width: 64, height: 48, name: "a.jpg" })
)

const stage = (posts: ReadonlyArray<any>) =>
  startStage({ actors: [makeCollector(null)], writes: postsCollected, posts })
const ids = (caught: ReadonlyArray<any>) => caught.map(({ post }) => post.id.split("/")[1])

describe("the collector", () => {
  it.live("takes the newest posts at the first reading, and after it only what is new, oldest first", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, caught, telegram } = yield* stage(Array.from({ length: 250 }, (_, i) => post(i + 1)))
        const first = yield* run("source.due", due(3))
        assert.strictEqual(first.result.collected, 3)
        assert.deepStrictEqual(ids(caught), ["248", "249", "250"])
        assert.strictEqual((yield* run("source.due", due(3))).result.collected, 0)
        for (const id of [251, 252]) telegram.world.addPost("source_channel", post(id))
        yield* run("source.due", due(3))
        assert.deepStrictEqual(ids(caught).slice(3), ["251", "252"])
        assert.strictEqual(caught[3].post.url, "https://t.me/source_channel/251")
      })
    )
  )

  it.live("takes nothing of what was there before, where nothing was asked for, however long the channel is", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, caught, telegram } = yield* stage(Array.from({ length: 300 }, (_, i) => post(i + 1)))
        yield* run("source.due", due())
        yield* run("source.due", due())
        assert.deepStrictEqual(ids(caught), [])
        telegram.world.addPost("source_channel", post(301))
        yield* run("source.due", due())
        assert.deepStrictEqual(ids(caught), ["301"])
      })
    )
  )

  it.live("an album is one post, also where it is still arriving or the end of a page cuts it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const photo = yield* picture
        const part = (id: number, text = "") => ({ id, date: old + id, text, photo, groupedId: "77" })
        const { run, caught, telegram } = yield* stage([post(1)])
        yield* run("source.due", due())
        // 98 posts, then an album of four across the hundredth.
        for (let id = 2; id <= 99; id++) telegram.world.addPost("source_channel", post(id))
        telegram.world.addPost("source_channel", part(100, story(100)))
        for (const id of [101, 102, 103]) telegram.world.addPost("source_channel", part(id))
        yield* run("source.due", due())
        assert.lengthOf(caught, 98)
        yield* run("source.due", due())
        assert.deepStrictEqual(ids(caught).slice(98), ["100"])
        assert.strictEqual(caught[98].post.text, story(100))
        assert.lengthOf(caught[98].post.images, 4)

        // A new album whose second half comes after the reading.
        const now = Math.floor(Date.now() / 1000)
        const fresh = (id: number, text = "") => ({ id, date: now, text, photo, groupedId: "78" })
        telegram.world.addPost("source_channel", fresh(104, story(104)))
        yield* run("source.due", due())
        assert.lengthOf(caught, 99, "it may still grow")
        telegram.world.addPost("source_channel", { ...fresh(105), date: now - 60 })
        yield* run("source.due", due())
        assert.deepStrictEqual(ids(caught).slice(99), ["104"])
        assert.lengthOf(caught[99].post.images, 2, "both halves")
      })
    )
  )

  it.live("drops advertisements and stories that the user has had, and says why of each", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, caught } = yield* stage([
          post(1),
          {
            id: 2,
            date: old + 2,
            text: "#ad Buy now with promo code SAVE20 and get 20% off! Order now: https://shop.example/?utm_source=tg"
          },
          { id: 3, date: old + 3, text: story(1) },
          { id: 4, date: old + 4, text: "", service: true }
        ])
        const { result } = yield* run("source.due", due(10))
        assert.deepStrictEqual(ids(caught), ["1"])
        assert.deepStrictEqual(
          result.dropped.map((drop: any) => [drop.post.split("/")[1], drop.why]),
          [
            ["2", "ad"],
            ["3", "duplicate"],
            ["4", "refused"]
          ]
        )
      })
    )
  )

  it.live("a flood wait is a delay and no attempt, and a channel that is gone ends the task", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, telegram } = yield* stage([post(1)])
        telegram.faults.add({ method: "messages.getHistory", error: "FLOOD_WAIT_1", times: 1 })
        const flooded = yield* run("source.due", due(1))
        assert.deepStrictEqual([flooded.status, flooded.attempt], ["succeeded", 1])
        assert.deepStrictEqual(
          flooded.attempts.map((attempt: any) => attempt.outcome),
          ["delay"]
        )
        const gone = yield* run("source.due", { ...due(1), source: { kind: "telegram", username: "no_such_channel" } })
        assert.deepStrictEqual([gone.status, gone.attempts.length], ["failed", 1])
        assert.match(gone.reason, /USERNAME_NOT_OCCUPIED/)
      })
    )
  )

  it.live("reads a channel's public page without an account, and only what is new the next time", () =>
    Effect.scoped(
      Effect.gen(function* () {
        let last = 2
        const message = (id: number) =>
          `<div class="tgme_widget_message_wrap"><div class="tgme_widget_message js-widget_message" data-post="open_page/${id}"><div class="tgme_widget_message_text js-message_text">${story(id)}</div><a class="tgme_widget_message_date" href="https://t.me/open_page/${id}"><time datetime="2026-11-0${id}T10:00:00+00:00"></time></a></div></div>`
        const server = yield* Effect.acquireRelease(
          Effect.callback<ReturnType<typeof createServer>>((resume) => {
            const made = createServer((_, response) => {
              response.writeHead(200, { "content-type": "text/html; charset=utf-8" })
              response.end(
                `<html><body><div class="tgme_channel_info_header_title">Open Page</div><section class="tgme_channel_history">${Array.from({ length: last }, (__, i) => message(i + 1)).join("")}</section></body></html>`
              )
            }).listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
          }),
          (made) => Effect.sync(() => void made.close())
        )
        const webUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
        const { run, caught } = yield* startStage({ actors: [makeCollector(null)], writes: postsCollected, webUrl })
        const page = { source: { kind: "web", username: "open_page" }, assignment, backfill: 5 }
        yield* run("source.due", page)
        assert.deepStrictEqual(ids(caught), ["1", "2"])
        last = 3
        yield* run("source.due", page)
        assert.deepStrictEqual(ids(caught), ["1", "2", "3"])
        assert.strictEqual(caught[2].post.source, "web:open_page")
      })
    )
  )
})
