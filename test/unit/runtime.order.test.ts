/** Order per user, retries, time limits, cancellation by outcome: one worker, virtual time. */
import { assert, describe, it } from "@effect/vitest"
import { Data, Effect } from "effect"
import { unreadableHeader } from "../../src/broker/Record.ts"
import { delay, done, fail, cancel, retry } from "../../src/domain/Outcome.ts"
import type { Outcome } from "../../src/domain/Outcome.ts"
import { bytes } from "../support/journalRows.ts"
import { actorOf, makeObserver, makeWorld, pass, topicOf } from "../support/runtimeWorld.ts"

class Refused extends Data.TaggedError("Refused")<{ readonly isRetryable: boolean }> {}

describe("a worker", () => {
  it.effect("runs the tasks of one user one after the other, in log order", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([actorOf(({ n }, task) => seen.around(`${task.user}${n}`, Effect.sleep("10 millis")))])
      yield* world.post("ann", [1, 2, 3])
      yield* pass(1_000)
      assert.deepStrictEqual(seen.lines, ["+ann1", "-ann1", "+ann2", "-ann2", "+ann3", "-ann3"])
      assert.deepStrictEqual(world.states(), { succeeded: 3 })
    })
  )

  it.effect("runs the tasks of different users side by side, far beyond the number of partitions", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([actorOf(({ n }) => seen.around(String(n), Effect.sleep("1 second")))])
      for (let user = 0; user < 80; user++) yield* world.post(`user${user}`, [1])
      yield* pass(1_100)
      assert.strictEqual(seen.most(), 80)
      assert.deepStrictEqual(world.states(), { succeeded: 80 })
    })
  )

  it.effect("keeps the order across retries: the next task of the user waits, others do not", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([
        actorOf(({ n }, task) =>
          seen.around(
            `${task.user}${n}.${task.attempt}`,
            n === 1 && task.attempt < 3 ? Effect.fail("not yet") : Effect.void
          )
        )
      ])
      yield* world.post("ann", [1, 2])
      yield* world.post("bob", [7])
      yield* pass(5_000)
      assert.deepStrictEqual(seen.lines, [
        "+ann1.1",
        "!ann1.1",
        "+bob7.1",
        "-bob7.1",
        "+ann1.2",
        "!ann1.2",
        "+ann1.3",
        "-ann1.3",
        "+ann2.1",
        "-ann2.1"
      ])
    })
  )

  it.effect("waits between attempts as the policy says, and shows why", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const starts: Array<number> = []
      let now = 0
      yield* world.start([
        actorOf(() => Effect.suspend(() => (starts.push(now), Effect.fail("not yet"))), {
          retry: { attempts: 4, backoffMs: 1_000, capMs: 3_000 }
        })
      ])
      yield* world.post("ann", [1])
      for (; now < 12_000; now += 10) {
        yield* pass(10)
        if (now === 100) assert.deepInclude(world.task("ann", 1), { state: "queued", attempt: 1, reason: "not yet" })
      }
      const waits = starts.slice(1).map((at, i) => at - starts[i]!)
      assert.strictEqual(starts.length, 4)
      for (const [i, step] of [1_000, 2_000, 3_000].entries()) {
        assert.isAtLeast(waits[i]!, step / 2 - 10)
        assert.isAtMost(waits[i]!, step + 20)
      }
      assert.deepInclude(world.task("ann", 1), { state: "failed", attempt: 4, reason: "not yet", notBefore: null })
      assert.strictEqual(world.tables.attempts.size, 4)
    })
  )

  it.effect("takes the wait that an outcome names instead of the policy's", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      yield* world.start([actorOf((_, task) => Effect.succeed(task.attempt === 1 ? retry("flood", 60_000) : done()))])
      yield* world.post("ann", [1])
      yield* pass(59_000)
      assert.deepInclude(world.task("ann", 1), { state: "queued", reason: "flood" })
      yield* pass(2_000)
      assert.strictEqual(world.stateOf("ann", 1), "succeeded")
    })
  )

  it.effect("does not count a Delay as an attempt, however often it comes", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const attempts: Array<number> = []
      let left = 9
      yield* world.start([
        actorOf((_, task) =>
          Effect.sync(() => (attempts.push(task.attempt), left-- > 0 ? delay("rate", 1_000 * attempts.length) : done()))
        )
      ])
      yield* world.post("ann", [1])
      yield* pass(20_000)
      assert.deepStrictEqual(
        attempts,
        Array.from({ length: 10 }, () => 1)
      )
      assert.deepInclude(world.task("ann", 1), { state: "succeeded", attempt: 1 })
    })
  )

  it.effect("interrupts an attempt that takes too long, and tries again", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([
        actorOf((_, task) => seen.around(String(task.attempt), task.attempt === 1 ? Effect.never : Effect.void), {
          timeoutMs: 2_000
        })
      ])
      yield* world.post("ann", [1, 2])
      yield* pass(1_900)
      assert.deepStrictEqual(seen.lines, ["+1"])
      yield* pass(1_000)
      assert.deepStrictEqual(seen.lines.slice(1, 4), ["!1", "+2", "-2"])
      assert.deepInclude([...world.tables.attempts.values()][0], {
        outcome: "retry",
        reason: "no answer within 2000 ms"
      })
    })
  )

  it.effect("gives up at once on a failure that says that trying again cannot help", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      yield* world.start([
        actorOf(({ n }) => (n === 1 ? Effect.fail(new Refused({ isRetryable: false })) : Effect.succeed(fail("no"))))
      ])
      yield* world.post("ann", [1, 2])
      yield* pass(100)
      assert.deepInclude(world.task("ann", 1), { state: "failed", attempt: 1 })
      assert.deepInclude(world.task("ann", 2), { state: "failed", attempt: 1, reason: "no" })
    })
  )

  it.effect("ends a task that its handler cancels without a dead letter", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      yield* world.start([actorOf(() => Effect.succeed(cancel("not wanted any more")))])
      yield* world.post("ann", [1])
      yield* pass(100)
      assert.deepInclude(world.task("ann", 1), { state: "cancelled", reason: "not wanted any more" })
      assert.deepStrictEqual(yield* world.contents("work.dlq"), [])
    })
  )

  it.effect(
    "leaves a dead letter with the original bytes, headers and cause when the attempts are used up, and goes on with the key",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        yield* world.start([actorOf(({ n }) => (n === 1 ? Effect.fail("broken") : Effect.void))])
        const value = new TextEncoder().encode(`{ "n" : 1 }\n`)
        yield* world.broker.append([
          { topic: "work", key: Uint8Array.of(0, 255), value, headers: { ce_id: "x", own: "é" } }
        ])
        yield* pass(5_000)
        const [letter] = yield* world.contents("work.dlq")
        assert.deepStrictEqual(letter!.value, value)
        assert.deepStrictEqual(letter!.key, Uint8Array.of(0, 255))
        assert.deepInclude(letter!.headers, {
          own: "é",
          "x-dlq-id": "x",
          "x-dlq-attempts": "3",
          "kafka_dlt-exception-message": "broken",
          "kafka_dlt-original-topic": "work",
          "kafka_dlt-original-offset": "0"
        })
      })
  )

  it.effect("hands on what a failure has to tell, with its dead letter, and once more where it is tried again", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      let isBroken = true
      const told = (what: string) => [{ topic: "next", key: bytes("ann"), value: bytes(what), type: "test" }]
      const actor = actorOf(() =>
        Effect.sync((): Outcome => (isBroken ? fail("no", null, told(`{"n":0}`)) : done(1, told(`{"n":1}`))))
      )
      const reader = actorOf(() => Effect.void, { name: "reader", topic: topicOf("next") })
      yield* world.start([actor, reader])
      yield* world.post("ann", [1], { headers: { ce_flow: "f" } })
      yield* pass(500)
      assert.deepInclude(world.task("ann", 1), { state: "failed", emitted: 1 })
      assert.strictEqual((yield* world.contents("work.dlq")).length, 1)
      isBroken = false
      assert.isTrue(yield* world.journal.requestRetry(world.idOf("ann", 1), "eve"))
      yield* pass(2_000)
      // Both are waited for by the flow.
      assert.deepInclude(world.task("ann", 1), { state: "succeeded", emitted: 2 })
      const handedOn = (yield* world.contents("next")).map(({ value }) => new TextDecoder().decode(value!))
      assert.deepStrictEqual(handedOn, ['{"n":0}', '{"n":1}'])
      assert.deepStrictEqual(world.states(), { succeeded: 3 })
    })
  )

  it.effect("ends what it cannot read as invalid with a dead letter, and never stops there", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      yield* world.start([actorOf(() => Effect.void)])
      const bad = [`{"n":`, `{"n":"one"}`, `[]`, ``, `{"n":1.5}`, `null`].map((text) => new TextEncoder().encode(text))
      const values = [...bad, null, Uint8Array.of(0xff, 0xfe), new TextEncoder().encode("[".repeat(50_000))]
      for (const [i, value] of values.entries()) {
        yield* world.broker.append([
          { topic: "work", key: new TextEncoder().encode("ann"), value, headers: { ce_id: `bad${i}` } }
        ])
      }
      yield* world.post("ann", [1])
      yield* pass(1_000)
      assert.strictEqual(world.stateOf("ann", 1), "succeeded")
      assert.deepStrictEqual(world.states(), { invalid: values.length, succeeded: 1 })
      assert.strictEqual((yield* world.contents("work.dlq")).length, values.length)
      for (const task of world.tables.tasks.values()) if (task.state === "invalid") assert.isNotEmpty(task.reason)
    })
  )

  it.effect(
    "ends a record that could not be read out of its topic as invalid, with the reason and what there is of it",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        yield* world.start([actorOf(() => Effect.void)])
        const why = "the batch of offsets 0 to 0 is compressed with snappy"
        // A value that would be read: it is none of the topic's all the same.
        yield* world.post(null, [1], { headers: { ce_id: "packed", [unreadableHeader]: why } })
        yield* world.post("ann", [1])
        yield* pass(1_000)
        assert.deepStrictEqual(world.states(), { invalid: 1, succeeded: 1 })
        const task = [...world.tables.tasks.values()].find(({ state }) => state === "invalid")!
        assert.strictEqual(task.reason, why)
        const [letter] = yield* world.contents("work.dlq")
        assert.strictEqual(new TextDecoder().decode(letter!.value!), `{"n":1}`)
        assert.strictEqual(letter!.headers["kafka_dlt-exception-message"], why)
      })
  )

  it.effect("drops a record whose id it has seen, before and after its end, and next to it in one batch", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([actorOf(({ n }) => seen.around(String(n), Effect.sleep("50 millis")))])
      yield* world.post("ann", [1, 1, 2])
      yield* pass(10)
      yield* world.post("ann", [1])
      yield* pass(1_000)
      yield* world.post("ann", [1, 2], { headers: { ce_flow: "f" } })
      yield* pass(1_000)
      assert.deepStrictEqual(seen.lines, ["+1", "-1", "+2", "-2"])
      assert.strictEqual(world.tables.skips.size, 2)
      assert.strictEqual(world.tables.assignments.get("work/0")!.nextOffset, 6)
    })
  )

  it.effect("runs records without a key each for itself, side by side", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([actorOf(({ n }) => seen.around(String(n), Effect.sleep("1 second")))])
      yield* world.post(null, [1, 2, 3, 4, 5])
      yield* pass(1_100)
      assert.strictEqual(seen.most(), 5)
      assert.deepStrictEqual(world.states(), { succeeded: 5 })
    })
  )

  it.effect("hands outputs on in the transaction of the success, with ids that a repeat has too", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const output = (n: number) => ({ topic: "next", key: null, value: Uint8Array.of(n), type: "next" })
      yield* world.broker.ensureTopics([{ name: "next", partitions: 1, retentionMs: 1_000 }])
      yield* world.start([
        actorOf(({ n }) => Effect.succeed(done("r", [output(n), { ...output(n), id: "own", priority: "low" }])))
      ])
      yield* world.post("ann", [1], { headers: { ce_flow: "flow", ce_priority: "high", traceparent: "00-aa" } })
      yield* pass(100)
      const [first, second] = yield* world.contents("next")
      assert.deepInclude(first!.headers, {
        ce_type: "next",
        ce_flow: "flow",
        ce_priority: "high",
        ce_source: "/postroom/work",
        traceparent: "00-aa"
      })
      assert.deepInclude(second!.headers, { ce_id: "own", ce_priority: "low" })
      assert.deepInclude(world.task("ann", 1), { state: "succeeded", result: `"r"`, emitted: 0, flow: "flow" })
      const other = yield* makeWorld
      yield* other.broker.ensureTopics([{ name: "next", partitions: 1, retentionMs: 1_000 }])
      yield* other.start([actorOf(({ n }) => Effect.succeed(done("r", [output(n)])))])
      yield* other.post("ann", [1])
      yield* pass(100)
      assert.strictEqual((yield* other.contents("next"))[0]!.headers["ce_id"], first!.headers["ce_id"])
    })
  )

  it.effect("hands nothing on for a task that did not succeed", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      yield* world.start([actorOf((_, task) => Effect.andThen(task.setState("count", 1), Effect.fail("late failure")))])
      yield* world.post("ann", [1])
      yield* pass(5_000)
      assert.strictEqual(world.stateOf("ann", 1), "failed")
      assert.strictEqual((yield* world.journal.states("work", new TextEncoder().encode("ann"))).size, 0)
    })
  )

  it.effect("does not call a step again whose result is stored, and gives every attempt the same value", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const calls: Array<string> = []
      const values: Array<unknown> = []
      const once = (name: string, value: unknown) => Effect.sync(() => (calls.push(name), value))
      yield* world.start([
        actorOf((_, task) =>
          Effect.gen(function* () {
            values.push(yield* task.step("first", once("first", { at: new Date(0) })))
            assert.isTrue(world.tables.steps.get(task.id)?.has("first"), "it is stored before the handler goes on")
            values.push(yield* task.step("nothing", once("nothing", undefined)))
            values.push(yield* task.step("odd \0 name", once("odd", 1)))
            if (task.attempt < 3) return yield* Effect.fail("later")
          })
        )
      ])
      yield* world.post("ann", [1])
      yield* pass(5_000)
      assert.strictEqual(world.stateOf("ann", 1), "succeeded")
      assert.deepStrictEqual(calls, ["first", "nothing", "odd"])
      assert.deepStrictEqual(values.slice(0, 3), [{ at: "1970-01-01T00:00:00.000Z" }, null, 1])
      assert.deepStrictEqual(values.slice(3, 6), values.slice(0, 3))
    })
  )

  it.effect("changes a user's state once per task, and the next task sees it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen: Array<unknown> = []
      yield* world.start([
        actorOf((_, task) =>
          Effect.gen(function* () {
            const count = (yield* task.getState<number>("count")) ?? 0
            seen.push(count)
            yield* task.setState("count", count + 1)
            assert.strictEqual(yield* task.getState("count"), count + 1)
            if (task.attempt === 1) return yield* Effect.fail("once more")
          })
        )
      ])
      yield* world.post("ann", [1, 2, 3])
      yield* pass(5_000)
      assert.deepStrictEqual(seen, [0, 0, 1, 1, 2, 2])
      assert.strictEqual((yield* world.journal.states("work", new TextEncoder().encode("ann"))).get("count"), "3")
    })
  )
})
