import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Schema } from "effect"
import { OpenAiSandbox } from "../../src/sandbox/openai/OpenAiSandbox.ts"
import { Ai } from "../../src/services/ai/Ai.ts"
import { layerOpenAi } from "../../src/services/ai/OpenAi.ts"

/** What the contract needs to know of an adapter: its layer over a model that obeys the sandbox's script. */
const adapters: ReadonlyArray<readonly [string, Layer.Layer<Ai, never, OpenAiSandbox>]> = [
  [
    "OpenAI",
    Layer.unwrap(
      Effect.map(OpenAiSandbox, ({ apiKey, baseUrl }) =>
        layerOpenAi({
          apiKey: Redacted.make(apiKey),
          baseUrl,
          model: "gpt-5",
          imageModel: "gpt-image-2.5-flare",
          timeout: "10 seconds",
          imageTimeout: "10 seconds",
          userKey: Redacted.make("k")
        })
      )
    )
  ]
]

/** A schema whose decoded form is not its JSON: the port promises decoded values. */
const Answer = Schema.Struct({
  title: Schema.String,
  when: Schema.NullOr(Schema.DateFromString.check(Schema.isGreaterThanOrEqualToDate(new Date(0)))),
  rank: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))
})
const plain = Schema.Struct({ title: Schema.String, rank: Schema.Int })

const request = {
  instructions: "Answer.",
  input: "<post>The mill turns again. It took a year.</post>",
  schemaName: "answer",
  maxOutputTokens: 500,
  user: "ann"
}

describe.each(adapters)("%s as Ai", (_name, layer) => {
  const services = layer.pipe(Layer.provideMerge(OpenAiSandbox.layer()))

  it.live("gives values of the schema with their cost and origin", () =>
    Effect.gen(function* () {
      const answer = yield* Ai.use((ai) => ai.generate({ ...request, schema: plain }))
      assert.isTrue(Schema.is(plain)(answer.value))
      assert.isAbove(answer.usage.inputTokens * answer.usage.outputTokens, 0)
      assert.isNotEmpty(answer.model)
      assert.isNotEmpty(answer.responseId)
    }).pipe(Effect.provide(services))
  )

  it.live("tells with the path where an answer does not satisfy the schema", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Ai.use((ai) => ai.generate({ ...request, schema: Answer })))
      assert.strictEqual(error.reason._tag, "InvalidJson")
      assert.include(error.reason.detail, `["when"]`)
      assert.isTrue(error.isRetryable)
    }).pipe(Effect.provide(services))
  )

  it.live("carries the feedback to the model", () =>
    Effect.gen(function* () {
      yield* Ai.use((ai) => ai.generate({ ...request, schema: plain, feedback: "rank was a text" }))
      const { ledger } = yield* OpenAiSandbox
      assert.include(JSON.stringify(ledger.entries()[0]?.body), "rank was a text")
    }).pipe(Effect.provide(services))
  )

  it.live("asks once, also when asking again might help", () =>
    Effect.gen(function* () {
      const sandbox = yield* OpenAiSandbox
      yield* sandbox.script({ route: "responses", kind: "overloaded", times: 5 })
      yield* Effect.flip(Ai.use((ai) => ai.generate({ ...request, schema: plain })))
      assert.lengthOf(
        sandbox.ledger.entries().filter(({ kind }) => kind === "arrived"),
        1
      )
    }).pipe(Effect.provide(services))
  )

  it.live("lets go when it is interrupted, and works on", () =>
    Effect.gen(function* () {
      const sandbox = yield* OpenAiSandbox
      yield* sandbox.script({ route: "images", kind: "silent", times: 1 })
      const draw = Ai.use((ai) => ai.image({ prompt: "a mill", size: "256x256", user: "ann" }))
      const fiber = yield* Effect.forkChild(draw, { startImmediately: true })
      yield* sandbox.ledger.waitFor(({ kind }) => kind === "arrived")
      yield* Fiber.interrupt(fiber)
      yield* sandbox.ledger.waitFor(({ kind, by }) => kind === "dropped" && by === "client")
      assert.isAbove((yield* draw).bytes.length, 1000)
    }).pipe(Effect.provide(services))
  )
})
