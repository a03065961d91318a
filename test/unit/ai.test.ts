import { assert, describe, it } from "@effect/vitest"
import { Duration, Result, Schema } from "effect"
import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from "openai"
import { failedResponseReason, openAiFailure } from "../../src/services/ai/openAiFailure.ts"
import { parseResetDuration, rateLimitsOf, retryAfterOf } from "../../src/services/ai/rateLimitHeaders.ts"
import { strictJsonSchema } from "../../src/services/ai/strictJsonSchema.ts"
import { strictModeProblem } from "../../src/sandbox/openai/strictModeProblem.ts"

const now = Date.parse("2026-11-21T10:00:00Z")

const failure = (status: number, error: object | undefined, headers: Record<string, string> = {}) =>
  openAiFailure(APIError.generate(status, error && { error }, undefined, new Headers(headers)), now)

describe("the strict schema", () => {
  const Part = Schema.Struct({ name: Schema.String }).annotate({ identifier: "Part" })
  const good = Schema.Struct({
    title: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(80)).annotate({ description: "A headline" }),
    kind: Schema.Literals(["a", "b"]),
    note: Schema.NullOr(Schema.String),
    count: Schema.Int,
    parts: Schema.Array(Part),
    first: Part
  })

  it("closes every object, requires every field and passes OpenAI's own check", () => {
    const schema = Result.getOrThrow(strictJsonSchema(good))
    assert.isUndefined(strictModeProblem("good", schema))
    assert.strictEqual(schema["additionalProperties"], false)
    assert.lengthOf(schema["required"] as ReadonlyArray<string>, 6)
  })

  it("tells lengths in words, because strict mode has no keyword for them", () => {
    const title = (Result.getOrThrow(strictJsonSchema(good))["properties"] as Record<string, Record<string, unknown>>)[
      "title"
    ]
    assert.notProperty(title, "maxLength")
    assert.match(String(title?.["description"]), /at most 80 characters/)
  })

  const refused: ReadonlyArray<readonly [string, Schema.Constraint, RegExp]> = [
    ["a number that may be NaN", Schema.Struct({ n: Schema.Number }), /\/n .*Finite/],
    ["an optional key", Schema.Struct({ n: Schema.optionalKey(Schema.String) }), /\/n .*NullOr/],
    ["a record", Schema.Struct({ r: Schema.Record(Schema.String, Schema.String) }), /\/r is a record/],
    ["an unknown value", Schema.Struct({ u: Schema.Unknown }), /\/u allows any value/],
    ["a tuple", Schema.Struct({ t: Schema.Tuple([Schema.String, Schema.Int]) }), /\/t is a tuple/],
    ["a root that is no struct", Schema.Array(Schema.String), /root must be a struct/],
    ["a fault deep inside", Schema.Struct({ a: Schema.Array(Schema.Struct({ b: Schema.Number })) }), /\/a\/items\/b/]
  ]
  it.each(refused)("refuses %s and says where", (_name, schema, words) => {
    const result = strictJsonSchema(schema)
    assert.isTrue(Result.isFailure(result))
    if (Result.isFailure(result)) assert.match(result.failure, words)
  })
})

describe("what a provider says about waiting", () => {
  it.each([
    ["1s", 1000],
    ["6m0s", 360_000],
    ["120ms", 120],
    ["1h2m3.5s", 3_723_500],
    ["1d", 86_400_000]
  ] as const)("a reset of %s is %d ms", (text, millis) => {
    const reset = parseResetDuration(text)
    assert.strictEqual(reset && Duration.toMillis(reset), millis)
  })

  it.each(["", "soon", "5", "-1s", "1 s"])("a reset of %j says nothing", (text) => {
    assert.isUndefined(parseResetDuration(text))
  })

  const waits: ReadonlyArray<readonly [Record<string, string>, number | undefined]> = [
    [{ "retry-after-ms": "250", "retry-after": "9" }, 250],
    [{ "retry-after": "9" }, 9000],
    [{ "retry-after": "Sat, 21 Nov 2026 10:00:30 GMT" }, 30_000],
    [{ "retry-after": "Sat, 21 Nov 2026 09:00:00 GMT" }, 0],
    [{ "llm_provider-retry-after": "60" }, 60_000],
    [
      {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "2s",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "1m"
      },
      60_000
    ],
    [{ "x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "2s" }, undefined],
    [{ "retry-after": "later" }, undefined],
    [{}, undefined]
  ]
  it.each(waits)("%j means %s ms", (headers, millis) => {
    const wait = retryAfterOf(new Headers(headers), now)
    assert.strictEqual(wait && Duration.toMillis(wait), millis)
  })

  it("headers nobody sent are absent, not zero", () => {
    assert.deepStrictEqual(rateLimitsOf(new Headers()), {})
  })
})

describe("the reason of a failure", () => {
  const cases: ReadonlyArray<readonly [string, ReturnType<typeof failure>, string, boolean, boolean]> = [
    [
      "429 rate_limit_exceeded",
      failure(429, { code: "rate_limit_exceeded", message: "slow" }),
      "RateLimited",
      true,
      false
    ],
    ["429 slow_down", failure(429, { code: "slow_down", message: "slow" }), "RateLimited", true, false],
    [
      "429 of LiteLLM",
      failure(429, { code: "429", type: "throttling_error", message: "x" }),
      "RateLimited",
      true,
      false
    ],
    ["429 without a body", failure(429, undefined), "RateLimited", true, false],
    [
      "429 insufficient_quota",
      failure(429, { type: "insufficient_quota", message: "x" }),
      "QuotaExhausted",
      false,
      true
    ],
    [
      "429 project_spend_limit_exceeded",
      failure(429, { type: "insufficient_quota", code: "project_spend_limit_exceeded" }),
      "QuotaExhausted",
      false,
      true
    ],
    [
      "429 request too large",
      failure(429, { code: "rate_limit_exceeded", message: "Request too large for gpt-5 on tokens per min" }),
      "TokenLimit",
      false,
      false
    ],
    ["401", failure(401, { code: "invalid_api_key", message: "x" }), "Unauthorized", false, true],
    ["403", failure(403, { message: "x" }), "Unauthorized", false, true],
    [
      "400 context_length_exceeded",
      failure(400, { code: "context_length_exceeded", message: "x" }),
      "TokenLimit",
      false,
      false
    ],
    [
      "400 in a gateway's words",
      failure(400, { message: "This model's maximum context length is 8192 tokens" }),
      "TokenLimit",
      false,
      false
    ],
    [
      "400 moderation_blocked",
      failure(400, { code: "moderation_blocked", message: "x" }),
      "PolicyBlocked",
      false,
      false
    ],
    ["400 invalid_prompt", failure(400, { code: "invalid_prompt", message: "x" }), "Refused", false, false],
    ["400 other", failure(400, { code: "invalid_value", message: "x" }), "ConfigError", false, true],
    ["404", failure(404, { code: "model_not_found", message: "x" }), "ConfigError", false, true],
    ["413", failure(413, undefined), "TokenLimit", false, false],
    ["422", failure(422, { message: "x" }), "ConfigError", false, true],
    ["408", failure(408, undefined), "Unavailable", true, false],
    ["409", failure(409, undefined), "Unavailable", true, false],
    ["500", failure(500, { code: "server_error", message: "x" }), "Unavailable", true, false],
    ["503 with HTML", failure(503, undefined), "Unavailable", true, false],
    [
      "no connection",
      openAiFailure(new APIConnectionError({ cause: new Error("ECONNREFUSED") }), now),
      "Unavailable",
      true,
      false
    ],
    ["no answer in time", openAiFailure(new APIConnectionTimeoutError(), now), "Timeout", true, false],
    ["aborted", openAiFailure(new APIUserAbortError(), now), "Aborted", true, false],
    ["a cut body", openAiFailure(new TypeError("terminated"), now), "Unavailable", true, false],
    ["something that is no error", openAiFailure("boom", now), "Unavailable", true, false]
  ]
  it.each(cases)("%s", (_name, error, tag, isRetryable, needsOperator) => {
    assert.strictEqual(error.reason._tag, tag)
    assert.strictEqual(error.isRetryable, isRetryable)
    assert.strictEqual(error.needsOperator, needsOperator)
  })

  it.each([
    ["server_error", "Unavailable"],
    ["rate_limit_exceeded", "RateLimited"],
    ["invalid_prompt", "Refused"],
    ["image_content_policy_violation", "PolicyBlocked"],
    ["invalid_image", "ConfigError"]
  ] as const)("a failed response with %s is %s", (code, tag) => {
    assert.strictEqual(failedResponseReason({ code, message: "m" })._tag, tag)
  })

  it("the request's id is kept and encodes with the error", () => {
    const error = failure(500, { message: "x" }, { "x-request-id": "req_1" })
    assert.strictEqual(error.requestId, "req_1")
    assert.notInclude(JSON.stringify(error), "headers")
  })
})
