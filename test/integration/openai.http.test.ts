import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import type { OpenAiSandboxShape } from "../../src/sandbox/openai/OpenAiSandbox.ts"
import { makeOpenAiSandbox } from "../../src/sandbox/openai/OpenAiSandbox.ts"

interface ErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string | null
  }
}

/** One request; the JSON body, status and headers of the answer. */
const send = (sandbox: OpenAiSandboxShape, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(`${sandbox.baseUrl}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${sandbox.apiKey}`, "content-type": "application/json", ...headers },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) })
    })
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as ErrorBody & Record<string, unknown>
    }
  })

const good = { model: "gpt-5", input: "A bridge opens on Monday. It is long." }

describe("the sandbox model over HTTP", () => {
  const refusals: ReadonlyArray<readonly [string, string, unknown, Record<string, string>, number, string | null]> = [
    ["no key", "/responses", good, { authorization: "" }, 401, null],
    ["a wrong key", "/responses", good, { authorization: "Bearer sk-no" }, 401, "invalid_api_key"],
    ["an unknown path", "/embeddings", good, {}, 404, null],
    ["an unknown model's page", "/models/llama", undefined, {}, 404, "model_not_found"],
    ["a body that is no JSON", "/responses", "{", {}, 400, null],
    ["a body that is a list", "/responses", [], {}, 400, null],
    ["no model", "/responses", { input: "x" }, {}, 400, "missing_required_parameter"],
    ["no input", "/responses", { model: "gpt-5" }, {}, 400, "missing_required_parameter"],
    ["an unknown model", "/responses", { model: "llama", input: "x" }, {}, 404, "model_not_found"],
    ["too few tokens", "/responses", { ...good, max_output_tokens: 3 }, {}, 400, "integer_below_min_value"],
    ["a stream", "/responses", { ...good, stream: true }, {}, 400, "unsupported_value"],
    [
      "a schema without a name",
      "/responses",
      { ...good, text: { format: { type: "json_schema", schema: {} } } },
      {},
      400,
      "invalid_value"
    ],
    ["no messages", "/chat/completions", { model: "gpt-5" }, {}, 400, "missing_required_parameter"],
    ["no prompt", "/images/generations", { model: "gpt-image-2.5-flare" }, {}, 400, "missing_required_parameter"],
    ["a size that is none", "/images/generations", { prompt: "x", size: "huge" }, {}, 400, "invalid_value"],
    ["eleven pictures", "/images/generations", { prompt: "x", n: 11 }, {}, 400, "invalid_value"],
    [
      "a style of older models",
      "/images/generations",
      { prompt: "x", response_format: "url" },
      {},
      400,
      "unknown_parameter"
    ]
  ]
  for (const [name, path, body, headers, status, code] of refusals)
    it.live(`${name} is ${status} in OpenAI's shape`, () =>
      Effect.gen(function* () {
        const sandbox = yield* makeOpenAiSandbox()
        const answer = yield* send(sandbox, path, body, headers)
        assert.strictEqual(answer.status, status)
        assert.hasAllKeys(answer.body.error, ["message", "type", "param", "code"])
        assert.strictEqual(answer.body.error.code, code)
        assert.match(answer.headers.get("x-request-id") ?? "", /^req_/)
        assert.notInclude(answer.body.error.message, "sk-no")
      })
    )

  it.live("a body over the limit is 413, and the server goes on", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeOpenAiSandbox({ maxBodyBytes: 10_000 })
      assert.strictEqual((yield* send(sandbox, "/responses", { ...good, input: "x".repeat(200_000) })).status, 413)
      assert.strictEqual((yield* send(sandbox, "/responses", good)).status, 200)
    })
  )

  it.live("the ledger holds every call, and equal bodies have equal hashes", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeOpenAiSandbox()
      yield* send(sandbox, "/responses", good)
      yield* send(sandbox, "/responses", good)
      yield* send(sandbox, "/responses", { ...good, input: "Another." })
      const lines = sandbox.ledger.entries()
      assert.deepStrictEqual(
        lines.map(({ seq }) => seq),
        [1, 2, 3, 4, 5, 6]
      )
      assert.deepStrictEqual(
        lines.map(({ kind }) => kind),
        ["arrived", "answered", "arrived", "answered", "arrived", "answered"]
      )
      const hashes = lines.filter(({ kind }) => kind === "arrived").map(({ requestHash }) => requestHash)
      assert.strictEqual(hashes[0], hashes[1])
      assert.notStrictEqual(hashes[0], hashes[2])
      assert.deepStrictEqual(lines[0]?.body, good)
    })
  )

  it.live("a rule waits for its turn, hits as often as it says, and only its route", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeOpenAiSandbox()
      yield* sandbox.script({ route: "responses", kind: "server_error", times: 2, after: 1 })
      const statuses: Array<number> = []
      for (let i = 0; i < 4; i++) statuses.push((yield* send(sandbox, "/responses", good)).status)
      assert.deepStrictEqual(statuses, [200, 500, 500, 200])
      yield* sandbox.script({ route: "images", kind: "overloaded", times: 9 })
      assert.strictEqual((yield* send(sandbox, "/responses", good)).status, 200)
      assert.strictEqual((yield* send(sandbox, "/images/generations", { prompt: "x" })).status, 503)
      yield* sandbox.heal
      assert.strictEqual((yield* send(sandbox, "/images/generations", { prompt: "x", size: "256x256" })).status, 200)
    })
  )

  it.live("a picture comes as PNG, JPEG or WebP, and several at once differ", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeOpenAiSandbox()
      const heads = { png: "iVBOR", jpeg: "/9j/", webp: "UklGR" }
      for (const [output_format, head] of Object.entries(heads)) {
        const { body } = yield* send(sandbox, "/images/generations", {
          prompt: "a lake",
          size: "256x256",
          n: 2,
          output_format
        })
        const [a, b] = (body["data"] as ReadonlyArray<{ b64_json: string }>).map((item) => item.b64_json)
        assert.isTrue(a?.startsWith(head))
        assert.notStrictEqual(a, b)
      }
    })
  )

  it.live("the end of the scope ends the server, also under a silent request", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const sandbox = yield* makeOpenAiSandbox().pipe(Effect.provideService(Scope.Scope, scope))
      yield* sandbox.script({ route: "responses", kind: "silent", times: 1 })
      const pending = fetch(`${sandbox.baseUrl}/responses`, {
        method: "POST",
        headers: { authorization: "Bearer sandbox" },
        body: JSON.stringify(good)
      }).then(
        () => "answered",
        () => "cut"
      )
      yield* sandbox.ledger.waitFor(({ kind }) => kind === "arrived")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* Effect.promise(() => pending), "cut")
      assert.strictEqual(
        yield* Effect.promise(() =>
          fetch(sandbox.baseUrl).then(
            () => "up",
            () => "down"
          )
        ),
        "down"
      )
    })
  )
})
