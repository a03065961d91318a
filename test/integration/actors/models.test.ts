/** Rewriter and imagegen on the real runtime, towards the sandbox model over real sockets. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeImagegen } from "../../../src/actors/imagegen/imagegen.ts"
import { makeRewriter } from "../../../src/actors/rewriter/rewriter.ts"
import type { OpenAiSandboxShape } from "../../../src/sandbox/openai/OpenAiSandbox.ts"
import { imagesRequested } from "../../../src/topics/imagesRequested.ts"
import { postsReady } from "../../../src/topics/postsReady.ts"
import { assignment, rewritten, startStage } from "./stage.ts"

const collected = (text: string) => ({
  post: { id: "s/1", source: "s", title: "S", url: null, publishedAt: 1, text, spans: [], images: [] },
  assignment
})
const story = "The ferry across the river Onde runs again since Monday. Forty people came to see it, and two dogs."
const outcomes = (task: any) => task.attempts.map((attempt: any) => attempt.outcome)

const callsOf = (openAi: OpenAiSandboxShape) => openAi.ledger.entries().filter(({ kind }) => kind === "arrived")

const rewriting = startStage({ actors: [makeRewriter(null)], writes: imagesRequested })
const drawing = startStage({ actors: [makeImagegen(null)], writes: postsReady })
const requested = (prompt: string | null) => ({ post: rewritten("A post"), assignment, prompt })

describe("the rewriter", () => {
  it.live("tells the model its mistakes, up to three answers in one attempt", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, openAi, caught } = yield* rewriting
        yield* openAi.script({ route: "responses", kind: "invalid_json", times: 2 })
        const task = yield* run("post.collected", collected(story))
        assert.deepStrictEqual([task.status, task.attempt, outcomes(task)], ["succeeded", 1, []])
        assert.lengthOf(callsOf(openAi), 3)
        assert.isAtMost(caught[0].post.text.length, 900)
        assert.isString(caught[0].prompt)
        yield* openAi.script({ route: "responses", kind: "schema_mismatch", times: 3 })
        const again = yield* run("post.collected", collected(story))
        assert.deepStrictEqual([again.status, again.attempt, outcomes(again)], ["succeeded", 2, ["retry"]])
      })
    )
  )

  it.live("waits for a rate limit without losing an attempt", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, openAi } = yield* rewriting
        yield* openAi.script({ route: "responses", kind: "rate_limit", times: 1, retryAfterSeconds: 1 })
        const task = yield* run("post.collected", collected(story))
        assert.deepStrictEqual([task.status, task.attempt, outcomes(task)], ["succeeded", 1, ["delay"]])
      })
    )
  )

  it.live("gives up on a post that the model refuses, and waits for the operator when the credit is used up", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, openAi, client } = yield* rewriting
        yield* openAi.script({ route: "responses", kind: "refusal", times: 1 })
        const refused = yield* run("post.collected", collected(story))
        assert.deepStrictEqual([refused.status, outcomes(refused)], ["failed", ["failed"]])
        assert.match(refused.reason, /^Refused/)
        yield* openAi.script({ route: "responses", kind: "insufficient_quota", times: 1 })
        const { taskId } = (yield* client.post("/events", {
          id: "q",
          type: "post.collected",
          user: "ben",
          data: collected(story)
        })).body
        let waiting = (yield* client.get(`/tasks/${taskId}`)).body
        while (!/operator/.test(waiting.why ?? "")) {
          yield* Effect.sleep(20)
          waiting = (yield* client.get(`/tasks/${taskId}`)).body
        }
        assert.match(waiting.why, /^waits until .*: waits for the operator: QuotaExhausted/)
        assert.deepStrictEqual([waiting.status, waiting.attempt], ["queued", 0])
      })
    )
  )

  it.live("asks nothing about a picture without words, and keeps an answer it paid for as a step", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, openAi, caught } = yield* rewriting
        yield* run("post.collected", collected("  "))
        assert.lengthOf(callsOf(openAi), 0)
        assert.deepInclude(caught[0].post, { title: "", text: "" })
        const task = yield* run("post.collected", collected(story))
        assert.deepStrictEqual(
          task.steps.map((step: any) => step.name),
          ["rewrite"]
        )
      })
    )
  )
})

describe("imagegen", () => {
  it.live("draws what is asked for, passes on what needs nothing, and keeps the order of a user's posts", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, openAi, caught } = yield* drawing
        const task = yield* run("image.requested", requested("a ferry on a river"))
        assert.match(task.result.drawn, /^[0-9a-f]{64}$/)
        assert.strictEqual(caught[0].post.images[0].sha256, task.result.drawn)
        yield* run("image.requested", requested(null))
        assert.deepStrictEqual(caught[1].post.images, [])
        assert.lengthOf(callsOf(openAi), 1)
      })
    )
  )

  it.live("softens a prompt that a filter stopped once, and then lets the post go without a picture", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, openAi, caught } = yield* drawing
        yield* openAi.script({ route: "images", kind: "moderation_blocked", times: 1 })
        yield* run("image.requested", requested("a fight"))
        assert.lengthOf(caught[0].post.images, 1)
        yield* openAi.script({ route: "images", kind: "moderation_blocked", times: 2 })
        const without = yield* run("image.requested", requested("a fight"))
        assert.strictEqual(without.status, "succeeded")
        assert.lengthOf(caught[1].post.images, 0)
        assert.match(without.log[0].message, /^the post goes without a picture: PolicyBlocked/)
      })
    )
  )

  it.live("no post is lost because its picture cannot be had: unpaid or failing three times, it goes without", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, openAi, caught } = yield* drawing
        yield* openAi.script({ route: "images", kind: "insufficient_quota", times: 1 })
        assert.strictEqual((yield* run("image.requested", requested("a hill"))).status, "succeeded")
        yield* openAi.script({ route: "images", kind: "server_error", times: 3 })
        const task = yield* run("image.requested", requested("a hill"))
        assert.deepStrictEqual([task.status, task.attempt, outcomes(task)], ["succeeded", 3, ["retry", "retry"]])
        assert.deepStrictEqual(
          caught.map(({ post }) => post.images),
          [[], []]
        )
      })
    )
  )
})
