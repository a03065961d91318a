/** Whatever a handler answers and a producer sends, its task ends and all others go on. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { done } from "../../src/domain/Outcome.ts"
import { clockAhead } from "../support/clockAhead.ts"
import { actorOf, makeObserver, makeWorld, pass } from "../support/runtimeWorld.ts"

const circular: Record<string, unknown> = {}
circular["self"] = circular

/** What a handler of plain JavaScript might do instead of answering an outcome. */
const answers: Readonly<Record<string, () => unknown>> = {
  "a result that JSON cannot say": () => Effect.succeed(1n),
  "a result with a cycle": () => Effect.succeed(circular),
  "a function": () => Effect.succeed(() => 1),
  "a throw instead of an effect": () => {
    throw new Error("thrown")
  },
  "nothing instead of an effect": () => undefined,
  "a promise instead of an effect": () => Promise.resolve(1),
  "a failure with a cycle": () => Effect.fail(circular),
  "a failure of nothing": () => Effect.fail(undefined),
  "a defect that is a bigint": () => Effect.die(1n),
  "its own interruption": () => Effect.interrupt,
  "a Done without outputs": () => Effect.succeed({ _tag: "Done" }),
  "a Done with outputs that are none": () => Effect.succeed({ _tag: "Done", result: 1, outputs: [null] }),
  "a Fail without a reason": () => Effect.succeed({ _tag: "Fail" }),
  "a Fail with a cycle as its detail": () => Effect.succeed({ _tag: "Fail", reason: "r", detail: circular }),
  "a Retry without a reason": () => Effect.succeed({ _tag: "Retry" }),
  "a Retry after no number": () => Effect.succeed({ _tag: "Retry", reason: "r", afterMs: Number.NaN }),
  "a Retry after a time that never comes": () =>
    Effect.succeed({ _tag: "Retry", reason: "r", afterMs: Number.POSITIVE_INFINITY }),
  "a Delay until no time": () => Effect.succeed({ _tag: "Delay", reason: "r" }),
  "a Delay until the end of time": () =>
    Effect.succeed({ _tag: "Delay", reason: "r", untilMs: Number.POSITIVE_INFINITY }),
  "a Cancel without a reason": () => Effect.succeed({ _tag: "Cancel" }),
  "a text with NUL": () => Effect.fail("a\0b"),
  "an output for a topic that is none": () =>
    Effect.succeed(done(1, [{ topic: "nobody's", key: null, value: null, type: "t" }])),
  "an output for a partition-less key": () =>
    Effect.succeed(done(1, [{ topic: "work", key: "text" as never, value: null, type: "t" }]))
}

describe("a worker goes on with the user and with all others after", () => {
  for (const [what, answer] of Object.entries(answers)) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        yield* world.start([
          actorOf(
            ({ n }, task) => (task.user === "odd" && n === 1 ? (answer() as Effect.Effect<unknown>) : Effect.void),
            {
              retry: { attempts: 2, backoffMs: 10 }
            }
          )
        ])
        yield* world.post("odd", [1, 2])
        yield* world.post("ann", [1])
        yield* pass(10_000)
        assert.strictEqual(world.stateOf("ann", 1), "succeeded")
        // What is put off without end waits in sight of an operator; everything else has ended, and the key went on.
        const first = world.task("odd", 1)
        assert.isDefined(first)
        if (first!.state === "queued") {
          assert.isAbove(first!.notBefore!, 10_000)
          assert.isTrue(Number.isSafeInteger(first!.notBefore))
          assert.isTrue(Number.isFinite(new Date(first!.notBefore!).getTime()))
        } else assert.strictEqual(world.stateOf("odd", 2), "succeeded")
        yield* world.post("ann", [2])
        yield* pass(1_000)
        assert.strictEqual(world.stateOf("ann", 2), "succeeded", "the writing goes on")
      })
    )
  }

  for (const lines of [1, 2, 3]) {
    it.effect(`an output for a topic that is none, written together with ${lines} log lines`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        const outputs = [{ topic: "nobody's", key: null, value: null, type: "t" }]
        yield* world.start([
          actorOf((_, task) =>
            task.user === "ann"
              ? Effect.void
              : Effect.as(
                  Effect.forEach(Array.from({ length: lines }), () => task.log("a line")),
                  done(1, outputs)
                )
          )
        ])
        yield* world.post("odd", [1])
        yield* pass(100)
        yield* world.post("ann", [1])
        yield* pass(1_000)
        assert.deepStrictEqual(world.states(), { failed: 1, succeeded: 1 })
        assert.strictEqual(world.tables.logs.size, lines)
      })
    )
  }

  it.effect("the same id under two users at the same time", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      yield* world.start([actorOf(() => Effect.sleep("20 millis"), { partitions: 4 })])
      for (const user of ["a", "b", "c", "d", "e"]) {
        yield* world.post(user, [1], { headers: { ce_id: "one and the same" } })
        yield* world.post(user, [2])
      }
      yield* pass(2_000)
      for (const user of ["a", "b", "c", "d", "e"]) assert.strictEqual(world.stateOf(user, 2), "succeeded")
      assert.deepStrictEqual(world.states(), { succeeded: 6 })
    })
  )

  it.effect("progress, log lines and states of any kind", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      yield* world.start([
        actorOf(
          (_, task) =>
            Effect.gen(function* () {
              yield* Effect.exit(task.progress(1n))
              yield* Effect.exit(task.progress(circular))
              yield* Effect.exit(task.setState("fn", () => 1))
              yield* Effect.exit(task.setState("big", 1n))
              yield* Effect.exit(
                task.step(
                  "fn",
                  Effect.succeed(() => 1)
                )
              )
              yield* task.log("\0".repeat(20_000))
            }),
          { retry: { attempts: 2, backoffMs: 10 } }
        )
      ])
      yield* world.post("ann", [1, 2])
      yield* pass(5_000)
      assert.notInclude(["queued", "in_progress", undefined], world.stateOf("ann", 1))
      assert.notInclude(["queued", "in_progress", undefined], world.stateOf("ann", 2))
      for (const value of (yield* world.journal.states("work", new TextEncoder().encode("ann"))).values())
        assert.isString(value)
      for (const { message } of world.tables.logs.values())
        assert.isTrue(message.length <= 10_000 && !message.includes("\0"))
    })
  )

  it.effect(
    "keys of no bytes, of any bytes, and of as many as one may have; one of more is told so, and nobody waits",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        const seen = makeObserver()
        yield* world.start([actorOf(({ n }) => seen.around(String(n), Effect.sleep("10 millis")))])
        const keys = [
          new Uint8Array(0),
          Uint8Array.of(0),
          Uint8Array.of(255, 0),
          new Uint8Array(1_024).fill(7),
          new Uint8Array(1_025).fill(7)
        ]
        for (const [i, key] of keys.entries()) {
          const value = new TextEncoder().encode(`{"n":${i}}`)
          yield* world.broker.append(
            [1, 2].map((k) => ({ topic: "work", key, value, headers: { ce_id: `${i}-${k}` } }))
          )
        }
        yield* pass(1_000)
        assert.deepStrictEqual(world.states(), { succeeded: 8, invalid: 2 })
        assert.strictEqual(seen.most(), 4)
      })
  )

  it.effect("was failed as late when its machine's clock was put a day ahead: how long it takes is measured", () =>
    Effect.gen(function* () {
      let aheadMs = 0
      const clock = yield* clockAhead(() => aheadMs)
      const world = yield* makeWorld
      const seen = makeObserver()
      const actor = actorOf(({ n }) => seen.around(String(n), Effect.sleep("2 seconds")), { timeoutMs: 10_000 })
      yield* Effect.provideService(world.start([actor]), Clock.Clock, clock)
      yield* world.post("ann", [1])
      yield* pass(500)
      assert.deepStrictEqual(seen.lines, ["+1"])
      aheadMs = 24 * 3_600_000
      yield* pass(5_000)
      assert.deepStrictEqual(seen.lines, ["+1", "-1"])
      assert.deepStrictEqual(world.states(), { succeeded: 1 })
    })
  )
})
