/** Tasks that operators have tried again, and what happens when that meets the end of the task, or its owner's. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { done, fail } from "../../src/domain/Outcome.ts"
import type { Outcome } from "../../src/domain/Outcome.ts"
import { actorOf, makeObserver, makeWorld, pass } from "../support/runtimeWorld.ts"

describe("an operator", () => {
  it.effect("does not run a retried task again that has ended, and whose end the journal does not have yet", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      let runs = 0
      const actor = actorOf(() =>
        Effect.sync(() => {
          if (++runs === 1) return fail("not yet")
          world.journalFaults.failCommits(8, false)
          return done(runs)
        })
      )
      const first = yield* world.start([actor])
      yield* world.post("ann", [1])
      yield* pass(500)
      yield* first.crash
      assert.isTrue(yield* world.journal.requestRetry(world.task("ann", 1)!.id, "eve"))
      yield* world.start([actor])
      yield* pass(20_000)
      assert.deepInclude(world.task("ann", 1), { state: "succeeded", result: "2" })
      assert.strictEqual(runs, 2)
    })
  )

  it.effect("does not run a retried task again that was found, and ended, while its row was on the way", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      let runs = 0
      const actor = actorOf(() => Effect.sync(() => (++runs === 1 ? fail("not yet") : done(runs))))
      const first = yield* world.start([actor])
      yield* world.post("ann", [1])
      yield* pass(500)
      yield* first.crash
      assert.isTrue(yield* world.journal.requestRetry(world.task("ann", 1)!.id, "eve"))
      // The next owner looks at the wish before it has found the task, and hears of its row after the task has ended.
      world.journalFaults.slow("unfinished", "back", Effect.sleep("1 second"))
      world.journalFaults.slow("task", "back", Effect.sleep("3 seconds"))
      yield* world.start([actor])
      yield* pass(500)
      yield* world.journal.pauseQueue("another", true, "eve")
      yield* pass(20_000)
      assert.deepInclude(world.task("ann", 1), { state: "succeeded", result: "2" })
      assert.strictEqual(runs, 2)
      assert.strictEqual(world.tables.commands.size, 0)
    })
  )

  // Found by simulation: the wish went with the one before, and the task stayed queued for ever.
  it.effect(
    "has a task tried again that failed again, also where the wish before is crossed off at the same moment",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        let runs = 0
        const actor = actorOf(() => Effect.sync(() => (++runs < 3 ? fail("not yet") : done(runs))))
        const first = yield* world.start([actor])
        yield* world.post("ann", [1])
        yield* pass(500)
        yield* first.crash
        assert.isTrue(yield* world.journal.requestRetry(world.idOf("ann", 1), "eve"))
        // The next owner finds the task in the journal and runs it; its next look tells it of the wish and of the end.
        yield* world.start([actor])
        yield* pass(500)
        assert.deepStrictEqual([runs, world.stateOf("ann", 1), world.tables.commands.size], [2, "failed", 1])
        world.journalFaults.slow("controls", "back", Effect.sleep("500 millis"))
        yield* pass(800)
        assert.isTrue(yield* world.journal.requestRetry(world.idOf("ann", 1), "eve"))
        yield* pass(5_000)
        assert.deepInclude(world.task("ann", 1), { state: "succeeded", result: "3" })
        assert.strictEqual(world.tables.commands.size, 0)
      })
  )

  // Found by simulation: the wish after it was taken for the one that was being obeyed, and crossed off.
  it.effect("has a task tried again that failed again, also before its owner knows that this is written", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      let runs = 0
      const actor = actorOf(() =>
        Effect.sync(() => {
          if (++runs === 2) world.journalFaults.slow("commit", "back", Effect.sleep("1 second"))
          return runs < 3 ? fail("not yet") : done(runs)
        })
      )
      yield* world.start([actor])
      yield* world.post("ann", [1])
      yield* pass(500)
      assert.isTrue(yield* world.journal.requestRetry(world.idOf("ann", 1), "eve"))
      yield* pass(500)
      assert.deepStrictEqual([runs, world.stateOf("ann", 1)], [2, "failed"])
      assert.isTrue(yield* world.journal.requestRetry(world.idOf("ann", 1), "eve"))
      yield* pass(5_000)
      assert.deepInclude(world.task("ann", 1), { state: "succeeded", result: "3" })
      assert.strictEqual(world.tables.commands.size, 0)
    })
  )

  // Both found by simulation: the wish to cancel had been read before it was obeyed, and was known after the retry.
  it.effect("does not have a retried task cancelled by what its next owner read before the retry", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      let runs = 0
      const actor = actorOf(() => Effect.suspend(() => (++runs === 1 ? Effect.never : Effect.sleep("2 seconds"))))
      const first = yield* world.start([actor])
      yield* world.start([actor])
      yield* world.post("ann", [1])
      yield* pass(500)
      let looks = 0
      // The owner looks first and obeys; what the other has read as well comes to it later.
      world.journalFaults.slow(
        "controls",
        "back",
        Effect.suspend(() => (++looks === 2 ? Effect.sleep("600 millis") : Effect.void))
      )
      assert.isTrue(yield* world.journal.requestCancel(world.idOf("ann", 1), "eve"))
      yield* pass(50)
      assert.strictEqual(world.stateOf("ann", 1), "cancelled")
      yield* first.crash
      assert.isTrue(yield* world.journal.requestRetry(world.idOf("ann", 1), "eve"))
      yield* pass(5_000)
      assert.deepStrictEqual([runs, world.states()], [2, { succeeded: 1 }])
    })
  )

  it.effect("does not have a retried task cancelled in the journal by what its owner read before the retry", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const bounds = { mailbox: 2, waiting: 1, ready: 1_000, bytes: 1_000_000 }
      yield* world.start([actorOf(({ n }) => (n === 1 ? Effect.sleep("3 seconds") : Effect.void))], { bounds })
      yield* world.post("ann", [1, 2, 3, 4, 5, 6])
      yield* pass(500)
      world.journalFaults.slow("commit", "there", Effect.sleep("300 millis"))
      assert.isTrue(yield* world.journal.requestCancel(world.idOf("ann", 6), "eve"))
      yield* pass(50)
      // Read while that is on its way to the journal, known when it is there.
      world.journalFaults.slow("controls", "back", Effect.sleep("500 millis"))
      yield* world.journal.pauseQueue("another", true, "eve")
      yield* pass(350)
      assert.isTrue(yield* world.journal.requestRetry(world.idOf("ann", 6), "eve"))
      yield* pass(20_000)
      assert.deepStrictEqual(world.states(), { succeeded: 6 })
      assert.strictEqual(world.tables.commands.size, 0)
    })
  )

  // Found by chaos: it left the memory when its start had been written, and its wish was still there to be taken up.
  it.effect("does not run a retried task again that ended while that it runs was being written", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      let runs = 0
      const actor = actorOf(() =>
        Effect.suspend((): Effect.Effect<Outcome> =>
          ++runs === 1 ? Effect.succeed(fail("not yet")) : Effect.as(Effect.sleep("500 millis"), done(runs))
        )
      )
      const first = yield* world.start([actor])
      yield* world.post("ann", [1])
      yield* pass(500)
      yield* first.stop
      assert.isTrue(yield* world.journal.requestRetry(world.task("ann", 1)!.id, "eve"))
      world.journalFaults.slow("commit", "there", Effect.sleep("600 millis"))
      yield* world.start([actor])
      yield* pass(20_000)
      assert.deepInclude(world.task("ann", 1), { state: "succeeded", result: "2" })
      assert.strictEqual(runs, 2)
    })
  )

  it.effect("retries a task of a cancelled flow: it runs, also where the wish to cancel is still in mind", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      const actor = actorOf(({ n }) => seen.around(String(n), Effect.sleep("500 millis")))
      const first = yield* world.start([actor])
      yield* world.post("ann", [1], { headers: { ce_flow: "f" } })
      yield* world.journal.requestFlowCancel("f", "eve")
      yield* pass(2_000)
      assert.strictEqual(world.stateOf("ann", 1), "cancelled")
      yield* first.stop
      // The next owner has looked before the retry, and loads after it.
      world.journalFaults.slow("unfinished", "there", Effect.sleep("800 millis"))
      yield* world.start([actor])
      yield* pass(100)
      assert.isTrue(yield* world.journal.requestRetry(world.idOf("ann", 1), "eve"))
      world.journalFaults.slow("controls", "there", Effect.sleep("300 millis"))
      yield* pass(10_000)
      assert.strictEqual(world.stateOf("ann", 1), "succeeded")
      assert.strictEqual(world.tables.flowCancels.size, 0)
    })
  )

  it.effect(
    "retries a failed task: it runs again with new attempts, its stored steps are kept, its failure stays in the history",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        let isBroken = true
        let calls = 0
        yield* world.start([
          actorOf((_, task) =>
            Effect.gen(function* () {
              yield* task.step(
                "call",
                Effect.sync(() => ++calls)
              )
              if (isBroken) return yield* Effect.fail("broken")
            })
          )
        ])
        yield* world.post("ann", [1])
        yield* pass(5_000)
        assert.deepInclude(world.task("ann", 1), { state: "failed", attempt: 3 })
        isBroken = false
        assert.isTrue(yield* world.journal.requestRetry(world.idOf("ann", 1), "eve"))
        yield* pass(2_000)
        assert.deepInclude(world.task("ann", 1), { state: "succeeded", attempt: 1 })
        assert.strictEqual(calls, 1)
        assert.strictEqual(world.tables.attempts.size, 3)
        assert.strictEqual(world.tables.commands.size, 0)
      })
  )

  it.effect("retries a task that was cancelled while it ran, at once: the old wish does not cancel it again", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      let isStuck = true
      yield* world.start([actorOf(() => (isStuck ? Effect.never : Effect.void))])
      yield* world.post("ann", [1])
      yield* pass(500)
      yield* world.journal.requestCancel(world.idOf("ann", 1), "eve")
      yield* pass(10)
      assert.strictEqual(world.stateOf("ann", 1), "cancelled")
      isStuck = false
      assert.isTrue(yield* world.journal.requestRetry(world.idOf("ann", 1), "eve"))
      yield* pass(2_000)
      assert.strictEqual(world.stateOf("ann", 1), "succeeded")
      assert.strictEqual(world.tables.commands.size, 0)
    })
  )

  it.effect("retries a task while no worker lives: the next one runs it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      let isBroken = true
      const actor = actorOf(() => (isBroken ? Effect.succeed(fail("no")) : Effect.void))
      const first = yield* world.start([actor])
      yield* world.post("ann", [1])
      yield* pass(1_000)
      yield* first.stop
      isBroken = false
      assert.isTrue(yield* world.journal.requestRetry(world.idOf("ann", 1), "eve"))
      yield* world.start([actor])
      yield* pass(2_000)
      assert.strictEqual(world.stateOf("ann", 1), "succeeded")
      assert.strictEqual(world.tables.commands.size, 0)
    })
  )

  it.effect("retries a task whose failure was written without its worker being told", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      let isBroken = true
      yield* world.start([actorOf(() => (isBroken ? Effect.succeed(fail("no")) : Effect.void))])
      world.journalFaults.failCommits(1, true)
      world.journalFaults.slow("commit", "there", Effect.sleep("500 millis"))
      yield* world.post("ann", [1])
      yield* pass(510)
      assert.strictEqual(world.stateOf("ann", 1), "failed")
      isBroken = false
      assert.isTrue(yield* world.journal.requestRetry(world.idOf("ann", 1), "eve"))
      yield* pass(10_000)
      assert.strictEqual(world.stateOf("ann", 1), "succeeded")
      assert.strictEqual((yield* world.contents("work.dlq")).length, 1)
    })
  )

  it.effect("retries a task whose failure its worker does not yet know to be written", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      let isBroken = true
      yield* world.start([actorOf(() => (isBroken ? Effect.succeed(fail("no")) : Effect.void))])
      world.journalFaults.slow("commit", "back", Effect.sleep("500 millis"))
      yield* world.post("ann", [1])
      yield* pass(100)
      assert.strictEqual(world.stateOf("ann", 1), "failed")
      isBroken = false
      assert.isTrue(yield* world.journal.requestRetry(world.idOf("ann", 1), "eve"))
      yield* pass(10_000)
      assert.strictEqual(world.stateOf("ann", 1), "succeeded")
    })
  )
})
