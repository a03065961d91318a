import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Redacted, Schema } from "effect"
import sharp from "sharp"
import type { FaultKind, ModelRoute } from "../../src/sandbox/openai/FaultScript.ts"
import { OpenAiSandbox } from "../../src/sandbox/openai/OpenAiSandbox.ts"
import { Ai } from "../../src/services/ai/Ai.ts"
import type { AiErrorReason } from "../../src/services/ai/AiError.ts"
import { layerOpenAi } from "../../src/services/ai/OpenAi.ts"

const Post = Schema.Struct({
  title: Schema.String.check(Schema.isMaxLength(60)),
  text: Schema.String.check(Schema.isMaxLength(900)),
  tags: Schema.Array(Schema.String).check(Schema.isMinLength(1), Schema.isMaxLength(6)),
  imagePrompt: Schema.NullOr(Schema.String),
  altText: Schema.String,
  score: Schema.Finite
})

const source = `The night tram between the harbour and the old observatory starts running again on Friday.
Engineers replaced 1,200 metres of rail and every sleeper on the hill in six weeks. The first tram leaves at 23:40 and the last one at 4:10.
Tickets cost the same as in the daytime. Residents had asked for the line since the spring, when the depot closed. The timetable is at https://example.org/tram.`

const services = (options: { timeout?: Duration.Input; key?: string } = {}) =>
  Layer.unwrap(
    Effect.map(OpenAiSandbox, (sandbox) =>
      layerOpenAi({
        apiKey: Redacted.make(options.key ?? sandbox.apiKey),
        baseUrl: sandbox.baseUrl,
        model: "gpt-5-mini",
        imageModel: "gpt-image-2.5-flare",
        timeout: options.timeout ?? "10 seconds",
        imageTimeout: "10 seconds",
        userKey: Redacted.make("pepper")
      })
    )
  ).pipe(Layer.provideMerge(OpenAiSandbox.layer({ contextTokens: 4000 })))

const rewrite = (input = source, extra: { maxOutputTokens?: number; feedback?: string; model?: string } = {}) =>
  Ai.use((ai) =>
    ai.generate({
      instructions: "Rewrite the post.",
      input: `<post>\n${input}\n</post>`,
      schema: Post,
      schemaName: "post",
      maxOutputTokens: 2000,
      user: "user-1",
      metadata: { taskId: "t1" },
      ...extra
    })
  )

const drawing = (prompt: string, size = "512x256") => Ai.use((ai) => ai.image({ prompt, size, user: "user-1" }))

const reasonAfter = (kind: FaultKind, route: ModelRoute = "responses") =>
  Effect.gen(function* () {
    const sandbox = yield* OpenAiSandbox
    yield* sandbox.script({ route, kind, times: 1, retryAfterSeconds: 3 })
    const error = route === "images" ? yield* Effect.flip(drawing("a bridge")) : yield* Effect.flip(rewrite())
    return error.reason as AiErrorReason
  })

describe("the OpenAI adapter against the sandbox model", () => {
  it.live("a post comes back rewritten, shorter, decoded by its schema and counted", () =>
    Effect.gen(function* () {
      const { value, usage, model, responseId, limits } = yield* rewrite()
      assert.isBelow(value.text.length, source.length)
      assert.notInclude(source, value.text)
      assert.isAtMost(value.title.length, 60)
      assert.isAbove(value.tags.length, 0)
      assert.isAbove(usage.inputTokens, 50)
      assert.isAbove(usage.outputTokens, 20)
      assert.strictEqual(model, "gpt-5-mini")
      assert.match(responseId, /^resp_/)
      assert.strictEqual(limits.remainingRequests, 499)
      assert.strictEqual(Duration.toMillis(limits.resetTokens ?? 0), 300)
    }).pipe(Effect.provide(services()))
  )

  it.live("the request hides the user, is not stored and carries schema, cache key and metadata", () =>
    Effect.gen(function* () {
      yield* rewrite()
      const sandbox = yield* OpenAiSandbox
      const body = sandbox.ledger.entries().find((line) => line.kind === "arrived")?.body as Record<string, unknown>
      assert.strictEqual(body["store"], false)
      assert.match(String(body["safety_identifier"]), /^[0-9a-f]{64}$/)
      assert.notInclude(JSON.stringify(body), "user-1")
      assert.strictEqual(body["prompt_cache_key"], "post")
      assert.deepStrictEqual(body["metadata"], { taskId: "t1" })
      const format = (body["text"] as { format: { strict: boolean; schema: { additionalProperties: boolean } } }).format
      assert.isTrue(format.strict)
      assert.isFalse(format.schema.additionalProperties)
    }).pipe(Effect.provide(services()))
  )

  it.live("the same request gets the same words twice", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* rewrite(), yield* rewrite()]
      assert.deepStrictEqual(a.value, b.value)
      assert.notStrictEqual(a.responseId, b.responseId)
    }).pipe(Effect.provide(services()))
  )

  const cases: ReadonlyArray<readonly [FaultKind, AiErrorReason["_tag"], boolean]> = [
    ["rate_limit", "RateLimited", true],
    ["foreign_rate_limit", "RateLimited", true],
    ["request_too_large", "TokenLimit", false],
    ["insufficient_quota", "QuotaExhausted", false],
    ["context_length", "TokenLimit", false],
    ["unauthorized", "Unauthorized", false],
    ["forbidden", "Unauthorized", false],
    ["server_error", "Unavailable", true],
    ["overloaded", "Unavailable", true],
    ["bad_gateway", "Unavailable", true],
    ["failed_response", "Unavailable", true],
    ["refusal", "Refused", false],
    ["truncated", "TokenLimit", false],
    ["content_filter", "PolicyBlocked", false],
    ["invalid_json", "InvalidJson", true],
    ["not_finite", "InvalidJson", true],
    ["schema_mismatch", "InvalidJson", true],
    ["empty", "InvalidJson", true],
    ["cut_before", "Unavailable", true],
    ["cut_midway", "Unavailable", true]
  ]
  for (const [kind, tag, isRetryable] of cases)
    it.live(`${kind} is told as ${tag} after one request`, () =>
      Effect.gen(function* () {
        const reason = yield* reasonAfter(kind)
        assert.strictEqual(reason._tag, tag)
        assert.strictEqual(reason.isRetryable, isRetryable)
        const sandbox = yield* OpenAiSandbox
        assert.lengthOf(
          sandbox.ledger.entries().filter((line) => line.kind === "arrived"),
          1
        )
        assert.strictEqual((yield* rewrite()).model, "gpt-5-mini")
      }).pipe(Effect.provide(services()))
    )

  it.live("a rate limit tells how long to wait, a gateway's limit does not", () =>
    Effect.gen(function* () {
      const own = yield* reasonAfter("rate_limit")
      const foreign = yield* reasonAfter("foreign_rate_limit")
      assert.strictEqual(own._tag === "RateLimited" && own.retryAfter && Duration.toSeconds(own.retryAfter), 3)
      assert.isTrue(foreign._tag === "RateLimited" && foreign.retryAfter === undefined)
    }).pipe(Effect.provide(services()))
  )

  it.live("the decoder's words name the field, and go back to the model as feedback", () =>
    Effect.gen(function* () {
      const reason = yield* reasonAfter("schema_mismatch")
      assert.include(reason.detail, `["title"]`)
      assert.include(reason.detail, `["unexpected"]`)
      yield* rewrite(source, { feedback: reason.detail })
      const sandbox = yield* OpenAiSandbox
      assert.include(JSON.stringify(sandbox.ledger.entries().at(-2)?.body), "Expected string")
    }).pipe(Effect.provide(services()))
  )

  it.live("an answer longer than the limit is a token limit, and so is a post that does not fit", () =>
    Effect.gen(function* () {
      const output = yield* Effect.flip(rewrite(source, { maxOutputTokens: 16 }))
      const input = yield* Effect.flip(rewrite(source.repeat(60)))
      assert.deepInclude(output.reason, { _tag: "TokenLimit", limit: "output" })
      assert.deepInclude(input.reason, { _tag: "TokenLimit", limit: "context" })
    }).pipe(Effect.provide(services()))
  )

  it.live("an unknown model and a schema strict mode cannot hold are configuration errors", () =>
    Effect.gen(function* () {
      const model = yield* Effect.flip(rewrite(source, { model: "llama-9" }))
      assert.deepInclude(model.reason, { _tag: "ConfigError", status: 404 })
      const ai = yield* Ai
      const loose = yield* Effect.flip(
        ai.generate({
          instructions: "i",
          input: "x",
          schema: Schema.Struct({ n: Schema.Number }),
          schemaName: "loose",
          maxOutputTokens: 100,
          user: "u"
        })
      )
      assert.strictEqual(loose.reason._tag, "ConfigError")
      assert.include(loose.message, "Finite")
    }).pipe(Effect.provide(services()))
  )

  it.live("a wrong key needs the operator", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(rewrite())
      assert.deepInclude(error.reason, { _tag: "Unauthorized", status: 401 })
      assert.isTrue(error.needsOperator)
      assert.match(error.requestId ?? "", /^req_/)
    }).pipe(Effect.provide(services({ key: "sk-wrong" })))
  )

  it.live("a silent server ends in a timeout", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* reasonAfter("silent"))._tag, "Timeout")
    }).pipe(Effect.provide(services({ timeout: "80 millis" })))
  )

  it.live("interrupting the call hangs up on the server", () =>
    Effect.gen(function* () {
      const sandbox = yield* OpenAiSandbox
      yield* sandbox.script({ route: "responses", kind: "silent", times: 1 })
      const call = yield* Effect.forkChild(rewrite(), { startImmediately: true })
      yield* sandbox.ledger.waitFor((line) => line.kind === "arrived")
      yield* Fiber.interrupt(call)
      const line = yield* sandbox.ledger.waitFor((entry) => entry.kind === "dropped")
      assert.strictEqual(line.by, "client")
    }).pipe(Effect.provide(services()))
  )

  it.live("an image is a PNG of the asked size, the same for the same prompt only", () =>
    Effect.gen(function* () {
      const [a, b, c] = [yield* drawing("a bridge"), yield* drawing("a bridge"), yield* drawing("a lake")]
      const { width, height, format } = yield* Effect.promise(() => sharp(a.bytes).metadata())
      assert.deepStrictEqual(
        { width, height, format, mime: a.mime },
        { width: 512, height: 256, format: "png", mime: "image/png" }
      )
      assert.deepStrictEqual(a.bytes, b.bytes)
      assert.notDeepEqual(a.bytes, c.bytes)
    }).pipe(Effect.provide(services()))
  )

  it.live("a moderated prompt is blocked, by rule and by script", () =>
    Effect.gen(function* () {
      assert.deepInclude((yield* Effect.flip(drawing("gore in the street"))).reason, { code: "moderation_blocked" })
      assert.strictEqual((yield* reasonAfter("moderation_blocked", "images"))._tag, "PolicyBlocked")
      assert.strictEqual((yield* Effect.flip(drawing("a bridge", "100x100"))).reason._tag, "ConfigError")
    }).pipe(Effect.provide(services()))
  )
})
