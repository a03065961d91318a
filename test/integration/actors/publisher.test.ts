/** The publisher on the real runtime, towards the sandbox Telegram over real sockets. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makePublisher } from "../../../src/actors/publisher/publisher.ts"
import { jpeg } from "../telegram/sandbox.ts"
import { assignment, rewritten, startStage, titlesOf } from "./stage.ts"

const stage = startStage({ actors: [makePublisher(null)] })
const ready = (title: string, images: ReadonlyArray<{ readonly sha256: string; readonly mime: string }> = []) => ({
  post: rewritten(title, images),
  assignment
})
const outcomes = (task: any) => task.attempts.map((attempt: any) => attempt.outcome)

describe("the publisher", () => {
  it.live("posts a text, a photo, and several photos as one album, each once and in order", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, keep, published, telegram } = yield* stage
        const images = yield* Effect.forEach([10, 90, 170], (red) =>
          Effect.gen(function* () {
            const { sha256 } = yield* keep(yield* Effect.promise(() => jpeg(320, 240, red)))
            return { sha256, mime: "image/jpeg" }
          })
        )
        yield* run("post.ready", ready("Text"))
        const photo = yield* run("post.ready", ready("Photo", images.slice(0, 1)))
        const album = yield* run("post.ready", ready("Album", images))
        assert.deepStrictEqual([photo.result.pictures, album.result.pictures], [1, 3])
        const posts = published()
        assert.deepStrictEqual(titlesOf(posts), ["Text", "Photo", "Album", "", ""])
        assert.strictEqual(new Set(posts.slice(2).map((post) => post.groupedId)).size, 1)
        assert.isDefined(posts[2]!.groupedId)
        assert.deepInclude(posts[0]!.entities![0], { type: "bold", offset: 0, length: 4 })
        assert.lengthOf(
          telegram.ledger.entries().filter((entry) => entry.event === "repeated"),
          0
        )
      })
    )
  )

  it.live("a flood wait is a delay and no attempt, and the posts behind it stay behind it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client, run, published, telegram } = yield* stage
        telegram.faults.add({ method: "messages.sendMessage", error: "FLOOD_WAIT_1", times: 1 })
        yield* client.post("/events", { id: "first", type: "post.ready", user: "anna", data: ready("One") })
        yield* run("post.ready", ready("Two"))
        assert.deepStrictEqual(titlesOf(published()), ["One", "Two"])
        const first = (yield* client.get("/events/first")).body.flow[0]
        const task = (yield* client.get(`/tasks/${first.id}`)).body
        assert.deepStrictEqual([task.attempt, outcomes(task)], [1, ["delay"]])
      })
    )
  )

  it.live("a post whose answer was lost is one post: it is sent again under the same random id", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, published, telegram } = yield* stage
        telegram.faults.add({ method: "messages.sendMessage", dropAfter: true, times: 1 })
        const task = yield* run("post.ready", ready("Once"))
        assert.strictEqual(task.status, "succeeded")
        assert.deepStrictEqual(titlesOf(published()), ["Once"])
        assert.deepStrictEqual(task.result.messageIds, [published()[0]!.id])
      })
    )
  )

  it.live("a picture that is gone or is none is left out, and the post goes without it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, keep, published } = yield* stage
        const { sha256 } = yield* keep(new TextEncoder().encode("no picture"))
        const images = [sha256, "0".repeat(64)].map((hash) => ({ sha256: hash, mime: "image/jpeg" }))
        const task = yield* run("post.ready", ready("Words", images))
        assert.deepStrictEqual([task.status, task.result.pictures, task.log.length], ["succeeded", 0, 2])
        assert.deepStrictEqual(titlesOf(published()), ["Words"])
      })
    )
  )

  it.live("a channel that may not be written to fails the post with the reason, at once", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run } = yield* stage
        const task = yield* run("post.ready", {
          post: rewritten("No"),
          assignment: { ...assignment, target: "source_channel" }
        })
        assert.deepStrictEqual([task.status, outcomes(task)], ["failed", ["failed"]])
        assert.match(task.reason, /TargetForbidden/)
      })
    )
  )
})
