/** What operators ask for: pause, resume, cancel, retry; and what happens when their wish meets the work half-way. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Latch } from "effect"
import { done, fail } from "../../src/domain/Outcome.ts"
import { bytes } from "../support/journalRows.ts"
import { actorOf, makeObserver, makeWorld, pass, topicOf } from "../support/runtimeWorld.ts"

/** Of a mailbox so little is in memory that most of 30 tasks are in the journal alone. */
const bounds = { mailbox: 4, waiting: 2, ready: 1_000, bytes: 1_000_000 }

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)

describe("an operator", () => {
  it.effect("cancels a task that waits behind another of its user: it never runs, the others do", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([actorOf(({ n }) => seen.around(String(n), Effect.sleep("1 second")))])
      yield* world.post("ann", [1, 2, 3])
      yield* pass(100)
      assert.isTrue(yield* world.journal.requestCancel(world.idOf("ann", 2), "eve"))
      yield* pass(5_000)
      assert.deepStrictEqual(seen.lines, ["+1", "-1", "+3", "-3"])
      assert.strictEqual(world.stateOf("ann", 2), "cancelled")
      assert.strictEqual(world.tables.commands.size, 0)
    })
  )

  it.effect(
    "cancels a task: what stood behind it begins once that is written, since who takes over may not know it",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        const seen = makeObserver()
        yield* world.start([actorOf(({ n }) => seen.around(String(n), Effect.sleep("200 millis")))])
        yield* world.post("ann", [1, 2, 3])
        yield* world.post("bob", [1])
        yield* pass(100)
        // Some 1.3 seconds, until the sixth attempt to write.
        world.journalFaults.failCommits(6)
        assert.isTrue(yield* world.journal.requestCancel(world.idOf("ann", 2), "eve"))
        yield* pass(1_000)
        assert.deepStrictEqual(seen.lines, ["+1", "+1", "-1", "-1"])
        yield* world.post("bob", [3])
        yield* pass(10)
        assert.deepStrictEqual(seen.lines.slice(4), ["+3"], "others go on")
        yield* pass(2_000)
        assert.deepStrictEqual(seen.lines.slice(5), ["-3", "+3", "-3"])
        assert.deepStrictEqual(world.states(), { succeeded: 4, cancelled: 1 })
      })
  )

  it.effect("cancels a running task: it is interrupted at once, and the next of the user runs", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([actorOf(({ n }) => seen.around(String(n), n === 1 ? Effect.never : Effect.void))])
      yield* world.post("ann", [1, 2])
      yield* pass(500)
      assert.isTrue(yield* world.journal.requestCancel(world.idOf("ann", 1), "eve"))
      yield* pass(100)
      assert.deepStrictEqual(seen.lines, ["+1", "!1", "+2", "-2"])
      assert.deepInclude(world.task("ann", 1), { state: "cancelled" })
      yield* pass(2_000)
      assert.strictEqual(world.tables.commands.size, 0)
    })
  )

  it.effect("does not cut in half what a handler protects: it ends first, and then the task is cancelled", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([actorOf(({ n }) => Effect.uninterruptible(seen.around(String(n), Effect.sleep("1 second"))))])
      yield* world.post("ann", [1])
      yield* pass(100)
      yield* world.journal.requestCancel(world.idOf("ann", 1), "eve")
      yield* pass(5_000)
      assert.deepStrictEqual(seen.lines, ["+1", "-1"])
      assert.strictEqual(world.stateOf("ann", 1), "cancelled")
      assert.isFalse(yield* world.journal.requestCancel(world.idOf("ann", 1), "eve"))
      assert.strictEqual(world.tables.commands.size, 0)
    })
  )

  it.effect("is obeyed also where looks take long: what is paused is not started for want of having looked", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([actorOf(({ n }) => seen.around(String(n), Effect.void))])
      yield* pass(100)
      world.journalFaults.slow("controls", "back", Effect.sleep("20 seconds"))
      // The pause is kept, and the look that would have seen it does not come back.
      yield* pass(2_000)
      yield* world.journal.pauseQueue("work", true, "eve")
      yield* pass(3_000)
      yield* world.post("ann", [1])
      yield* pass(3_000)
      assert.deepStrictEqual(seen.lines, [])
      world.journalFaults.slow("controls", "back", Effect.void)
      yield* pass(30_000)
      assert.deepStrictEqual(seen.lines, [])
      yield* world.journal.pauseQueue("work", false, "eve")
      yield* pass(2_000)
      assert.deepStrictEqual(seen.lines, ["+1", "-1"])
    })
  )

  it.effect(
    "keeps a wish to cancel until the end is written, also where the task ended while it was written down",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        const seen = makeObserver()
        yield* world.start([actorOf(({ n }) => seen.around(String(n), Effect.sleep("10 seconds")))])
        yield* world.post("ann", [1])
        yield* pass(80)
        // That it runs is on its way for a second when it is cancelled; that it ended goes there after that.
        const gate = yield* Latch.make()
        world.journalFaults.slow("commit", "there", Effect.sleep("1 second"))
        yield* pass(500)
        yield* world.journal.requestCancel(world.idOf("ann", 1), "eve")
        yield* pass(20)
        world.journalFaults.slow("commit", "there", gate.await)
        world.journalFaults.slow("controls", "back", Effect.sleep("1 hour"))
        yield* pass(1_500)
        assert.strictEqual(world.stateOf("ann", 1), "in_progress")
        yield* world.journal.lease({ queue: "work", partition: 0, owner: "another" })
        yield* gate.open
        world.journalFaults.slow("commit", "there", Effect.void)
        yield* pass(20_000)
        assert.deepStrictEqual(seen.lines, ["+1", "!1"])
        assert.strictEqual(world.stateOf("ann", 1), "cancelled")
      })
  )

  it.effect("cancels a task that waits for its retry: the next of the user runs at once", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([
        actorOf(({ n }) => seen.around(String(n), n === 1 ? Effect.fail("no") : Effect.void), {
          retry: { attempts: 9, backoffMs: 60_000, capMs: 60_000 }
        })
      ])
      yield* world.post("ann", [1, 2])
      yield* pass(100)
      yield* world.journal.requestCancel(world.idOf("ann", 1), "eve")
      yield* pass(100)
      assert.deepStrictEqual(seen.lines, ["+1", "!1", "+2", "-2"])
      yield* pass(120_000)
      assert.strictEqual(seen.lines.length, 4)
    })
  )

  it.effect("cancels a task before it was read: it is never run", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([actorOf(({ n }) => seen.around(String(n), Effect.void))])
      yield* world.journal.requestCancel(world.idOf("ann", 1), "eve")
      yield* pass(1_500)
      yield* world.post("ann", [1, 2])
      yield* pass(1_500)
      assert.deepStrictEqual(seen.lines, ["+2", "-2"])
      assert.strictEqual(world.stateOf("ann", 1), "cancelled")
      assert.strictEqual(world.tables.commands.size, 0)
    })
  )

  it.effect("cancels a task before it was read, also while a wish of the same look waits for the journal", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([actorOf(({ n }) => seen.around(String(n), Effect.sleep("10 seconds")))], { bounds })
      yield* world.post("ann", numbers(0, 30))
      yield* pass(100)
      // One look sees both wishes; the row that the first of them asks for does not come.
      world.journalFaults.slow("controls", "there", Effect.sleep("500 millis"))
      world.journalFaults.slow("task", "back", Effect.sleep("1 hour"))
      yield* world.journal.requestCancel(world.idOf("ann", 29), "eve")
      yield* world.journal.requestCancel(world.idOf("bob", 101), "eve")
      yield* pass(1_100)
      yield* world.post("bob", [101, 102])
      yield* pass(500)
      assert.deepStrictEqual(seen.lines, ["+0", "+102"])
      assert.strictEqual(world.stateOf("bob", 101), "cancelled")
    })
  )

  it.effect("cancels a flow: what runs, what waits, and what comes later, in every queue", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      const actor = actorOf(({ n }) => seen.around(String(n), Effect.sleep("1 second")))
      const reader = actorOf(({ n }) => seen.around(`next ${n}`, Effect.void), {
        name: "reader",
        topic: topicOf("next")
      })
      yield* world.start([actor, reader])
      const ofFlow = { headers: { ce_flow: "f" } }
      yield* world.post("ann", [1, 2], ofFlow)
      yield* world.post("ann", [3])
      yield* pass(100)
      yield* world.journal.requestFlowCancel("f", "eve")
      yield* pass(500)
      yield* world.post("ann", [4], ofFlow)
      yield* world.post("ann", [5])
      // What a task of it hands on that could not be told in time.
      yield* world.post("ann", [6], { topic: "next", ...ofFlow })
      yield* pass(10_000)
      assert.deepStrictEqual(
        [1, 2, 3, 4, 5].map((n) => world.stateOf("ann", n)),
        ["cancelled", "cancelled", "succeeded", "cancelled", "succeeded"]
      )
      assert.strictEqual(world.stateOf("ann", 6, "reader"), "cancelled")
      assert.deepStrictEqual(seen.lines, ["+1", "!1", "+3", "-3", "+5", "-5"])
    })
  )

  it.effect("cancels a flow whose task was found by its next owner", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      const actor = actorOf(({ n }) => seen.around(String(n), Effect.sleep("10 seconds")))
      const first = yield* world.start([actor])
      yield* world.post("ann", [1], { headers: { ce_flow: "f" } })
      yield* pass(500)
      yield* first.crash
      yield* world.journal.requestFlowCancel("f", "eve")
      yield* world.start([actor])
      yield* pass(3_000)
      assert.strictEqual(world.stateOf("ann", 1), "cancelled")
    })
  )

  it.effect("cancels a flow that is in the journal alone: none of it begins when it is loaded", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([actorOf(({ n }) => seen.around(String(n), Effect.sleep("100 millis")))], { bounds })
      yield* world.post("ann", numbers(0, 10))
      yield* world.post("ann", numbers(10, 20), { headers: { ce_flow: "f" } })
      yield* pass(50)
      yield* world.journal.requestFlowCancel("f", "eve")
      yield* pass(10_000)
      assert.deepStrictEqual(
        seen.lines,
        numbers(0, 10).flatMap((n) => [`+${n}`, `-${n}`])
      )
      assert.deepStrictEqual(world.states(), { succeeded: 10, cancelled: 20 })
    })
  )

  it.effect(
    "does not cancel what comes of a flow after one of its tasks was retried, though the wish was known here",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        yield* world.start([actorOf(() => Effect.void)])
        const ofFlow = { headers: { ce_flow: "f" } }
        yield* world.journal.requestFlowCancel("f", "eve")
        yield* pass(100)
        yield* world.post("ann", [1], ofFlow)
        yield* pass(100)
        assert.strictEqual(world.stateOf("ann", 1), "cancelled")
        // No look comes back that could tell that the retry has ended the wish.
        world.journalFaults.slow("controls", "back", Effect.sleep("10 seconds"))
        assert.isTrue(yield* world.journal.requestRetry(world.idOf("ann", 1), "eve"))
        yield* world.post("ann", [2], ofFlow)
        yield* pass(1_000)
        assert.strictEqual(world.stateOf("ann", 2), "succeeded")
      })
  )

  it.effect("cancels a task that is in the journal alone, behind many of its user", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([actorOf(({ n }) => seen.around(String(n), Effect.sleep("100 millis")))], { bounds })
      yield* world.post("ann", numbers(0, 30))
      yield* pass(50)
      for (const n of [3, 17, 29]) yield* world.journal.requestCancel(world.idOf("ann", n), "eve")
      yield* pass(10_000)
      const rest = numbers(0, 30).filter((n) => ![3, 17, 29].includes(n))
      assert.deepStrictEqual(
        seen.lines,
        rest.flatMap((n) => [`+${n}`, `-${n}`])
      )
      assert.deepStrictEqual(world.states(), { succeeded: 27, cancelled: 3 })
    })
  )

  it.effect("pauses a queue: what runs ends, nothing starts, other queues go on, and it resumes where it was", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      const handler = ({ n }: { readonly n: number }, task: { readonly queue: string }) =>
        seen.around(`${task.queue}${n}`, Effect.sleep("500 millis"))
      yield* world.start([actorOf(handler), actorOf(handler, { name: "other" })])
      yield* world.post("ann", [1, 2])
      yield* pass(100)
      yield* world.journal.pauseQueue("work", true, "eve")
      yield* pass(5_000)
      assert.deepStrictEqual(
        seen.lines.filter((line) => line.includes("work")),
        ["+work1", "-work1"]
      )
      assert.deepStrictEqual(
        seen.lines.filter((line) => line.includes("other")),
        ["+other1", "-other1", "+other2", "-other2"]
      )
      yield* world.journal.pauseQueue("work", false, "eve")
      yield* pass(1_000)
      assert.strictEqual(world.stateOf("ann", 2), "succeeded")
    })
  )

  it.effect("pauses a user: others go on, the pause holds for records that come later and in the next worker", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      const actor = actorOf(({ n }, task) => seen.around(`${task.user}${n}`, Effect.void))
      const first = yield* world.start([actor])
      yield* world.journal.pauseKey(bytes("ann"), true, "eve")
      yield* pass(10)
      yield* world.post("ann", [1])
      yield* world.post("bob", [1])
      yield* pass(2_000)
      yield* first.stop
      yield* world.start([actor])
      yield* world.post("ann", [2])
      yield* pass(2_000)
      assert.deepStrictEqual(seen.lines, ["+bob1", "-bob1"])
      yield* world.journal.pauseKey(bytes("ann"), false, "eve")
      yield* pass(100)
      assert.deepStrictEqual(seen.lines.slice(2), ["+ann1", "-ann1", "+ann2", "-ann2"])
    })
  )

  it.effect("resumes a user whose task waits for its time: it does not start early", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const starts: Array<number> = []
      let now = 0
      yield* world.start([
        actorOf(() => Effect.suspend(() => (starts.push(now), starts.length === 1 ? Effect.fail("no") : Effect.void)), {
          retry: { backoffMs: 20_000, capMs: 20_000 }
        })
      ])
      yield* world.post("ann", [1])
      for (; now < 30_000; now += 500) {
        yield* pass(500)
        if (now === 1_000) yield* world.journal.pauseKey(bytes("ann"), true, "eve")
        if (now === 3_000) yield* world.journal.pauseKey(bytes("ann"), false, "eve")
      }
      assert.strictEqual(starts.length, 2)
      assert.isAtLeast(starts[1]!, 9_500)
    })
  )

  it.effect(
    "finds a user blocked whose queue blocks on an exhausted task, also after a restart, and lets it go on",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        const seen = makeObserver()
        const actor = actorOf(
          ({ n }, task) =>
            seen.around(`${task.user}${n}`, n === 1 && task.user === "ann" ? Effect.succeed(fail("no")) : Effect.void),
          {
            retry: { onExhausted: "block" }
          }
        )
        const first = yield* world.start([actor])
        yield* world.post("ann", [1, 2])
        yield* world.post("bob", [1])
        yield* pass(5_000)
        yield* first.stop
        yield* world.start([actor])
        yield* pass(5_000)
        assert.deepStrictEqual(seen.lines, ["+ann1", "-ann1", "+bob1", "-bob1"])
        yield* world.journal.pauseKey(bytes("ann"), false, "eve")
        yield* pass(100)
        assert.deepStrictEqual(seen.lines.slice(4), ["+ann2", "-ann2"])
      })
  )

  it.effect("finds the user blocked also when the controls were being read while the task failed", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([
        actorOf(
          ({ n }) =>
            seen.around(
              String(n),
              Effect.andThen(Effect.sleep("100 millis"), Effect.succeed(n === 1 ? fail("no") : done()))
            ),
          {
            retry: { onExhausted: "block" }
          }
        )
      ])
      world.journalFaults.slow("controls", "back", Effect.sleep("300 millis"))
      yield* world.journal.pauseQueue("another", true, "eve")
      yield* pass(10)
      yield* world.post("ann", [1, 2])
      yield* pass(10_000)
      assert.deepStrictEqual(seen.lines, ["+1", "-1"])
      yield* world.journal.pauseKey(bytes("ann"), false, "eve")
      yield* pass(2_000)
      assert.deepStrictEqual(seen.lines.slice(2), ["+2", "-2"])
    })
  )
})
