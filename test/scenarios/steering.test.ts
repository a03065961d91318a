/** What an operator can do to tasks, users, queues and whole events over HTTP, and what each of them sees. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startInstallation, untilAnswer, untilOver } from "./Installation.ts"
import { nap, weather } from "./napActor.ts"

const long = 60_000
const event = (id: string, user: string, data: object) => ({ id, type: "nap", user, data })

describe("steering", () => {
  it.live(
    "a running task is interrupted by its cancel, a queued one never runs, and the rest of the user's goes on",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { client } = yield* startInstallation({ actors: [nap] })
          const running = (yield* client.post("/events", event("a", "anna", { ms: long }))).body.taskId
          const queued = (yield* client.post("/events", event("b", "anna", { ms: long }))).body.taskId
          yield* client.post("/events", event("c", "anna", { ms: 0 }))
          yield* untilAnswer(client.get(`/tasks/${running}`), ({ status }) => status === "in_progress")
          const second = yield* client.post(`/tasks/${queued}/cancel`)
          assert.deepInclude(second.body, { status: "cancelled", was: "queued", message: "it will not run" })
          const first = yield* client.post(`/tasks/${running}/cancel`)
          assert.strictEqual(first.status, 202)
          assert.deepInclude(first.body, {
            status: "cancelled",
            was: "in_progress",
            message: "it was running and was interrupted"
          })
          assert.strictEqual((yield* untilOver(client, "c")).status, "succeeded")
          assert.strictEqual((yield* client.get("/events/a")).body.status, "cancelled")
          assert.strictEqual((yield* client.get(`/tasks/${queued}`)).body.startedAt, null)
          assert.strictEqual((yield* client.post(`/tasks/${running}/cancel`)).status, 409)
        })
      )
  )

  it.live("a task that failed shows why, is retried on demand, and succeeds once the cause is gone", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client } = yield* startInstallation({ actors: [nap] })
        weather.isBad = true
        const id = (yield* client.post("/events", event("f", "anna", { ms: 0, fails: true }))).body.taskId
        assert.strictEqual((yield* untilOver(client, "f")).status, "failed")
        const failed = (yield* client.get(`/tasks/${id}`)).body
        assert.deepInclude(failed, { status: "failed", reason: "it rains", celeryStatus: "FAILURE", why: null })
        assert.deepStrictEqual(
          failed.attempts.map((one: any) => [one.outcome, one.detail]),
          [["failed", { inside: true }]]
        )
        assert.strictEqual(failed.log[0].message, "falling asleep")
        weather.isBad = false
        const retried = yield* client.post(`/tasks/${id}/retry`)
        assert.strictEqual(retried.status, 202)
        assert.strictEqual(
          (yield* untilAnswer(client.get("/events/f"), ({ status }) => status === "succeeded")).status,
          "succeeded"
        )
        assert.strictEqual((yield* client.post(`/tasks/${id}/retry`)).status, 409)
      })
    )
  )

  it.live("a paused queue starts nothing and says so, and goes on when it is resumed", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client } = yield* startInstallation({ actors: [nap] })
        assert.strictEqual((yield* client.post("/queues/nap/pause")).status, 200)
        const id = (yield* client.post("/events", event("q", "anna", { ms: 0 }))).body.taskId
        const waiting = yield* untilAnswer(client.get(`/tasks/${id}`), ({ why }) => why === "queue nap is paused")
        assert.strictEqual(waiting.status, "queued")
        assert.isTrue((yield* client.get("/queues")).body[0].paused)
        yield* client.post("/queues/nap/resume")
        assert.strictEqual((yield* untilOver(client, "q")).status, "succeeded")
      })
    )
  )

  it.live("cancelling an event ends its running task, and one that was to start tomorrow never does", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client } = yield* startInstallation({ actors: [nap] })
        const running = (yield* client.post("/events", event("now", "anna", { ms: long }))).body.taskId
        yield* untilAnswer(client.get(`/tasks/${running}`), ({ status }) => status === "in_progress")
        const now = yield* client.post("/events/now/cancel")
        assert.deepInclude(now.body, { eventId: "now", status: "cancelled", cancelled: 1, ended: 0 })
        const tomorrow = new Date(Date.now() + 86_400_000).toISOString()
        const later = yield* client.post("/events", { ...event("later", "ben", { ms: long }), at: tomorrow })
        assert.match((yield* client.get(`/tasks/${later.body.taskId}`)).body.why, /^starts at /)
        const off = yield* client.post("/events/later/cancel")
        assert.strictEqual(off.status, 202)
        const ended = yield* untilOver(client, "later")
        assert.strictEqual(ended.status, "cancelled")
        assert.strictEqual(ended.flow[0].startedAt, null)
        assert.strictEqual((yield* client.post("/events/later/cancel")).status, 409)
        assert.strictEqual((yield* client.post("/events/never/cancel")).status, 404)
      })
    )
  )

  it.live("what is cancelled while no worker runs is cancelled when one starts", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client, work } = yield* startInstallation({ actors: [nap], works: false })
        yield* client.post("/events", event("x", "anna", { ms: 0 }))
        const asked = yield* client.post("/events/x/cancel")
        assert.deepInclude(asked.body, { status: "queued", cancelled: 0 })
        yield* work
        assert.strictEqual((yield* untilOver(client, "x")).status, "cancelled")
      })
    )
  )
})
