/** What a user of the content pipeline sees, on the sandbox world over real sockets. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { startSandboxInstallation, untilAnswer, untilOver } from "./Installation.ts"

const assignment = { target: "anna_reads", style: "short and dry", language: "en" }

const rss = `<?xml version="1.0"?><rss version="2.0"><channel><title>Harbour News</title><link>http://h/</link><description>d</description>
<item><title>Second crane</title><link>http://h/2</link><guid>n2</guid><pubDate>Tue, 03 Nov 2026 10:00:00 GMT</pubDate><description>A second crane was put up at the east quay on Tuesday; it lifts forty tonnes.</description></item>
<item><title>First crane</title><link>http://h/1</link><guid>n1</guid><pubDate>Mon, 02 Nov 2026 10:00:00 GMT</pubDate><description>The first crane of the new harbour was tested on Monday by its crew of five.</description></item>
</channel></rss>`

const atom = `<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Hill Weather</title><id>urn:f</id><updated>2026-11-02T10:00:00Z</updated>
<entry><id>urn:w1</id><title>Snow above 900 metres</title><link href="http://w/1"/><updated>2026-11-02T10:00:00Z</updated><content type="html">&lt;p&gt;Snow fell in the night above 900 metres; &lt;b&gt;two passes&lt;/b&gt; are closed.&lt;/p&gt;</content></entry></feed>`

/** Two feeds over HTTP on loopback. */
const feedServer = Effect.map(
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer((request, response) => {
        const isAtom = request.url === "/atom.xml"
        response.writeHead(200, { "content-type": isAtom ? "application/atom+xml" : "application/rss+xml" })
        response.end(isAtom ? atom : rss)
      }).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => void server.close())
  ),
  (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
)

describe("the pipeline", () => {
  it.live(
    "an event posted over HTTP is collected, rewritten, illustrated and published, and shows what came of it",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { client, sandbox } = yield* startSandboxInstallation()
          const user = sandbox.world.users[0]!
          const source = user.sources.find((one) => one.kind === "telegram")!
          const target = user.target
          const accepted = yield* client.post("/events", {
            id: "collect-1",
            type: "source.due",
            user: user.id,
            data: {
              source: { kind: "telegram", username: (source as { username: string }).username },
              assignment: { ...assignment, target },
              backfill: 3
            }
          })
          assert.strictEqual(accepted.status, 202)
          const event = yield* untilOver(client, "collect-1")
          assert.strictEqual(event.status, "succeeded")
          assert.sameMembers(Object.keys(event.context), ["collector", "rewriter", "imagegen", "publisher"])
          const count = event.context.collector[0].collected as number
          assert.isAtLeast(count, 1)
          for (const stage of ["rewriter", "imagegen", "publisher"]) assert.lengthOf(event.context[stage], count)
          // What the event says was published is what Telegram says it was sent.
          const sent = sandbox.telegram.ledger
            .entries()
            .filter((entry) => entry.event === "sent" && entry.username === target)
          assert.sameMembers(
            event.context.publisher.flatMap((one: { messageIds: Array<number> }) => one.messageIds),
            sent.map((entry) => entry.messageId)
          )
          assert.strictEqual(event.flow[0].id, accepted.body.taskId)

          // The same page read again by the same reader brings nothing twice.
          yield* client.post("/events", { id: "collect-2", type: "source.due", user: user.id, data: event.data })
          const again = yield* untilOver(client, "collect-2")
          assert.strictEqual(again.context.collector[0].collected, 0)
        })
      )
  )

  it.live(
    "an RSS and an Atom file served over HTTP are collected, oldest first, and found unchanged the next time",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const base = yield* feedServer
          const { client, sandbox } = yield* startSandboxInstallation({ allowed: [base] })
          const target = sandbox.world.users[0]!.target
          for (const [id, file] of [
            ["rss", "rss.xml"],
            ["atom", "atom.xml"]
          ] as const) {
            yield* client.post("/events", {
              id,
              type: "source.due",
              user: `reader of ${id}`,
              data: {
                source: { kind: "feed", url: `${base}/${file}` },
                assignment: { ...assignment, target },
                backfill: 10
              }
            })
          }
          const fromRss = yield* untilOver(client, "rss")
          const fromAtom = yield* untilOver(client, "atom")
          assert.deepStrictEqual(
            fromRss.context.publisher.map((one: { post: string }) => one.post.split("/").at(-1)),
            ["n1", "n2"]
          )
          assert.strictEqual(fromAtom.context.publisher.length, 1)
          assert.include(fromAtom.context.publisher[0].post, "urn:w1")
          yield* client.post("/events", {
            id: "rss again",
            type: "source.due",
            user: "reader of rss",
            data: fromRss.data
          })
          const again = yield* untilOver(client, "rss again")
          assert.strictEqual(again.status, "succeeded")
          assert.strictEqual(again.context.collector[0].collected, 0)
        })
      )
  )

  it.live("pausing a user holds that user's posts and nobody else's, and resuming lets them out in order", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client, sandbox } = yield* startSandboxInstallation()
        const target = sandbox.world.users[0]!.target
        const ready = (user: string, n: number) => ({
          id: `${user}-${n}`,
          type: "post.ready",
          user,
          data: {
            post: {
              id: `p${n}`,
              source: "s",
              title: `${user} ${n}`,
              text: "Some words.",
              tags: [],
              url: null,
              images: []
            },
            assignment: { ...assignment, target }
          }
        })
        assert.deepStrictEqual((yield* client.post("/users/anna/pause")).body, { paused: true })
        yield* client.post("/events/batch", {
          events: [ready("anna", 1), ready("anna", 2), ready("ben", 1), ready("ben", 2)]
        })
        yield* untilOver(client, "ben-1")
        yield* untilOver(client, "ben-2")
        const titles = () =>
          sandbox.telegram.world
            .byUsername(target)!
            .posts.map((post) => post.text.split("\n")[0]!)
            .filter((title) => /^(anna|ben) \d$/.test(title))
        assert.deepStrictEqual(titles(), ["ben 1", "ben 2"])
        const [first] = (yield* client.get("/events/anna-1")).body.flow
        const id = first?.id ?? (yield* client.post("/events", ready("anna", 1))).body.taskId
        const held = yield* untilAnswer(client.get(`/tasks/${id}`), ({ why }) => why !== null)
        assert.strictEqual(held.why, "user anna is paused")
        assert.isTrue((yield* client.get("/users/anna/mailbox")).body.paused)
        yield* client.post("/users/anna/resume")
        yield* untilOver(client, "anna-1")
        yield* untilOver(client, "anna-2")
        assert.deepStrictEqual(titles(), ["ben 1", "ben 2", "anna 1", "anna 2"])
      })
    )
  )
})
