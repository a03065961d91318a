/** What the simulation found, each as short as it can be told: a name for what went wrong once. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Latch } from "effect"
import { done, fail } from "../../src/domain/Outcome.ts"
import type { Outcome } from "../../src/domain/Outcome.ts"
import { bytes } from "../support/journalRows.ts"
import { actorOf, makeObserver, makeWorld, pass, topicOf } from "../support/runtimeWorld.ts"

const bounds = { mailbox: 2, waiting: 1, ready: 1_000, bytes: 1_000_000 }
const oneHour = Effect.sleep("1 hour")

describe("a hand-over", () => {
  it.effect("does not end the care for a backlog over which a worker died", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const actor = actorOf(() => Effect.never)
      const first = yield* world.start([actor])
      yield* world.post("ann", [1])
      yield* pass(500)
      yield* first.crash
      yield* world.journal.pauseQueue("work", true, "eve")
      const second = yield* world.start([actor])
      yield* pass(1_000)
      yield* second.stop
      assert.isFalse(world.tables.assignments.get("work/0")!.clean)
    })
  )

  it.effect("ends although the journal never answers", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const worker = yield* world.start([actorOf(() => Effect.void)], { drainMs: 1_000 })
      world.journalFaults.failCommits(10_000)
      yield* world.post("ann", [1])
      yield* pass(100)
      const stopping = yield* Effect.forkChild(worker.stop)
      yield* pass(5_000)
      assert.isDefined(stopping.pollUnsafe())
      assert.isFalse(world.tables.assignments.get("work/0")!.clean)
    })
  )

  it.effect("tells the broker what the owner before did not live to tell", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const first = yield* world.start([actorOf(() => Effect.void)])
      yield* world.post("ann", [1, 2])
      yield* pass(100)
      yield* first.crash
      assert.strictEqual((yield* world.broker.lag("work", "work"))[0]!.lag, 2)
      yield* world.start([actorOf(() => Effect.void)])
      yield* pass(2_000)
      assert.strictEqual((yield* world.broker.lag("work", "work"))[0]!.lag, 0)
    })
  )
})

describe("a user", () => {
  it.effect("whose records stand in two partitions has all of them done when one of the partitions goes", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      const actor = actorOf(({ n }) => seen.around(String(n), Effect.sleep("100 millis")), { partitions: 2 })
      yield* world.start([actor])
      yield* world.post("ann", [1, 2, 3, 4, 5], { partition: 0 })
      yield* world.post("ann", [11, 12, 13, 14, 15], { partition: 1 })
      yield* pass(150)
      yield* world.start([actor])
      yield* pass(5_000)
      assert.deepStrictEqual(world.states(), { succeeded: 10 })
      for (const ns of [
        [1, 2, 3, 4, 5],
        [11, 12, 13, 14, 15]
      ]) {
        const starts = seen.lines.filter((line) => line.startsWith("+")).map(Number)
        assert.deepStrictEqual(
          starts.filter((n) => ns.includes(n)),
          ns
        )
      }
    })
  )

  it.effect("is not held up by what was loaded for an owner that lost the partition meanwhile", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      let isBroken = true
      const actor = actorOf(({ n }) =>
        Effect.suspend((): Effect.Effect<Outcome> => {
          if (!isBroken) return Effect.succeed(done(n))
          return n === 1 ? Effect.succeed(fail("not yet")) : Effect.never
        })
      )
      const first = yield* world.start([actor])
      yield* world.post("ann", [1, 2, 3])
      yield* pass(1_500)
      yield* first.crash
      isBroken = false
      world.journalFaults.slow("unfinished", "back", Effect.sleep("2 seconds"))
      yield* world.start([actor])
      yield* pass(200)
      yield* world.journal.lease({ queue: "work", partition: 0, owner: "another" })
      // What it does of its own accord is refused, which tells it.
      yield* world.journal.requestRetry(world.idOf("ann", 1), "eve")
      yield* pass(30_000)
      assert.deepStrictEqual(world.states(), { succeeded: 3 })
    })
  )

  it.effect("has nothing hidden by a task that an operator retries", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const actor = actorOf(({ n }) => (n === 1 ? Effect.sleep("3 seconds") : Effect.void))
      yield* world.start([actor], { bounds })
      yield* world.post("ann", [1, 2, 3, 4, 5, 6])
      yield* pass(500)
      assert.isTrue(yield* world.journal.requestCancel(world.idOf("ann", 6), "eve"))
      yield* pass(500)
      assert.strictEqual(world.stateOf("ann", 6), "cancelled")
      assert.isTrue(yield* world.journal.requestRetry(world.idOf("ann", 6), "eve"))
      yield* pass(5_000)
      assert.deepStrictEqual(world.states(), { succeeded: 6 })
    })
  )

  it.effect("sees no task run that was cancelled in memory when its partition went and came back", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([actorOf(({ n }) => seen.around(String(n), Effect.sleep(n === 1 ? 200 : 0)))])
      yield* world.post("ann", [1, 2])
      yield* pass(10)
      const gate = yield* Latch.make()
      world.journalFaults.slow("commit", "there", gate.await)
      yield* world.journal.requestCancel(world.idOf("ann", 2), "eve")
      yield* pass(10)
      // No look after this one would tell it again.
      world.journalFaults.slow("controls", "back", Effect.sleep("1 hour"))
      yield* world.journal.lease({ queue: "work", partition: 0, owner: "another" })
      yield* gate.open
      yield* pass(10_000)
      assert.deepStrictEqual(seen.lines, ["+1", "!1", "+1", "-1"])
      assert.strictEqual(world.stateOf("ann", 2), "cancelled")
      assert.strictEqual(world.tables.commands.size, 0)
    })
  )

  it.effect("does not see a task run that was cancelled while it was being loaded", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      const actor = actorOf(({ n }) => seen.around(String(n), n === 1 ? Effect.sleep("1 second") : oneHour))
      yield* world.start([actor], { bounds })
      yield* world.post("ann", [1, 2, 3, 4])
      yield* pass(500)
      world.journalFaults.slow("backlog", "back", Effect.sleep("3 seconds"))
      yield* pass(1_000)
      yield* world.journal.requestCancel(world.idOf("ann", 2), "eve")
      yield* world.journal.requestCancel(world.idOf("ann", 3), "eve")
      yield* pass(10_000)
      assert.deepStrictEqual(
        ["ann", "ann"].map((user, i) => world.stateOf(user, 2 + i)),
        ["cancelled", "cancelled"]
      )
      assert.notInclude(seen.lines, "+3")
      assert.include(seen.lines, "+4")
    })
  )
})

describe("what tasks hand on", () => {
  // Found by chaos: of two posts of an author, the second was published first.
  it.effect("keeps their order where the second was about to be written as waiting before the first had ended", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const actor = actorOf(({ n }) =>
        Effect.as(
          Effect.sleep(n === 1 ? "1900 millis" : "10 millis"),
          done(n, [{ topic: "next", key: bytes("ann"), value: bytes(`{"n":${n}}`), type: "test" }])
        )
      )
      const reader = actorOf(() => Effect.never, { name: "reader", topic: topicOf("next") })
      yield* world.start([actor, reader])
      yield* world.post("ann", [1, 2, 3])
      yield* pass(900)
      // The look at what has waited for a second, and the end of the first, fall into a transaction that takes long.
      world.journalFaults.slow("commit", "back", Effect.sleep("3 seconds"))
      yield* world.post("bob", [7])
      yield* pass(30_000)
      const handedOn = (yield* world.contents("next")).map(({ value }) => new TextDecoder().decode(value!))
      assert.deepStrictEqual(handedOn, ['{"n":7}', '{"n":1}', '{"n":2}', '{"n":3}'])
    })
  )
})

describe("a write whose outcome is unknown", () => {
  it.effect("hands on once what it had written", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const actor = actorOf(({ n }) =>
        Effect.succeed(done(n, [{ topic: "next", key: bytes("ann"), value: bytes(`{"n":${n}}`), type: "test" }]))
      )
      const reader = actorOf(() => Effect.void, { name: "reader", topic: topicOf("next") })
      yield* world.start([actor, reader])
      world.journalFaults.failCommits(1, true)
      yield* world.post("ann", [1])
      yield* pass(2_000)
      assert.strictEqual((yield* world.contents("next")).length, 1)
      assert.deepStrictEqual(world.states(), { succeeded: 2 })
    })
  )
})
