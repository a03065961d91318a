/** Who is started next, of queues and tasks that a test puts there, by attempts that only listen. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { poisonous } from "../../src/runtime/Attempts.ts"
import type { LiveTask } from "../../src/runtime/Lane.ts"
import * as Mailboxes from "../../src/runtime/Mailboxes.ts"
import { makeOver, queue, settled } from "../support/dispatching.ts"

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

describe("the dispatcher", () => {
  it.effect("starts as many of a queue as it may run, and the next when it is told that one has ended", () =>
    Effect.gen(function* () {
      const { dispatcherOf, add, end, started } = yield* makeOver([queue("work", { concurrency: 2 })])
      const [ann] = [add("ann"), add("bob"), add("cid"), add("dan")]
      const { ring } = yield* dispatcherOf
      yield* settled
      assert.deepStrictEqual(started, ["ann", "bob"])
      end(ann!)
      ring()
      yield* settled
      assert.deepStrictEqual(started, ["ann", "bob", "cid"])
    })
  )

  it.effect("starts no more of all queues than the process has slots", () =>
    Effect.gen(function* () {
      const [one, other] = [queue("one"), queue("other")]
      const { dispatcherOf, add, end, started } = yield* makeOver([one, other], 3)
      const ann = add("ann", {}, one)
      for (const name of ["bob", "cid", "dan"]) add(name, {}, other)
      const { ring } = yield* dispatcherOf
      yield* settled
      assert.deepStrictEqual(started, ["ann", "bob", "cid"])
      end(ann)
      ring()
      yield* settled
      assert.deepStrictEqual(started, ["ann", "bob", "cid", "dan"])
    })
  )

  it.effect("passes over a queue that is paused, until it is resumed", () =>
    Effect.gen(function* () {
      const [one, other] = [queue("one"), queue("other")]
      const { dispatcherOf, add, started } = yield* makeOver([one, other])
      one.paused = true
      add("ann", {}, one)
      add("bob", {}, other)
      const { ring } = yield* dispatcherOf
      yield* settled
      assert.deepStrictEqual(started, ["bob"])
      one.paused = false
      ring()
      yield* settled
      assert.deepStrictEqual(started, ["bob", "ann"])
    })
  )

  it.effect("takes the queue whose first task has waited longest, one of lower priority as if it had come later", () =>
    Effect.gen(function* () {
      const lanes = [
        queue("low", { priority: "low" }),
        queue("medium"),
        queue("high", { priority: "high" }),
        queue("second", { priority: "high" })
      ]
      const { dispatcherOf, add, started } = yield* makeOver(lanes)
      yield* TestClock.adjust("6 seconds")
      add("low", {}, lanes[0], 0)
      add("medium", {}, lanes[1], 3_999)
      // It has waited just as long as the medium one has by its handicap: then the order of the queues counts.
      add("high", {}, lanes[2], 4_999)
      add("second", {}, lanes[3], 4_998)
      yield* dispatcherOf
      yield* settled
      assert.deepStrictEqual(started, ["second", "medium", "high", "low"])
    })
  )

  it.effect("lets everything else have its turn after 128 starts", () =>
    Effect.gen(function* () {
      const { dispatcherOf, add, started, on } = yield* makeOver([queue("work", { concurrency: 1_000 })], 1_000)
      let before = 0
      for (const n of upTo(300)) add(`user${n}`)
      const context = yield* Effect.context()
      on.start = () => {
        on.start = () => {}
        Effect.runForkWith(context)(
          Effect.andThen(
            Effect.yieldNow,
            Effect.sync(() => (before = started.length))
          )
        )
      }
      yield* dispatcherOf
      for (const _ of upTo(3)) yield* settled
      assert.strictEqual(before, 128)
      assert.strictEqual(started.length, 300)
    })
  )
})

describe("a queue that may start only so many per time", () => {
  it.effect("starts the next when its time has come, and holds up no other queue until then", () =>
    Effect.gen(function* () {
      const [slow, other] = [queue("slow", { rate: { count: 1, perMs: 700 } }), queue("other", { priority: "low" })]
      const { dispatcherOf, add, started, alarms } = yield* makeOver([slow, other])
      for (const name of ["ann", "bob", "cid"]) add(name, {}, slow)
      add("dan", {}, other)
      yield* dispatcherOf
      yield* settled
      assert.deepStrictEqual(started, ["ann", "dan"])
      assert.strictEqual(alarms[0], 700)
      yield* TestClock.adjust("699 millis")
      assert.strictEqual(started.length, 2)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(started, ["ann", "dan", "bob"])
      yield* TestClock.adjust("700 millis")
      assert.deepStrictEqual(started, ["ann", "dan", "bob", "cid"])
    })
  )

  it.effect("spends nothing on a task that may not start", () =>
    Effect.gen(function* () {
      const slow = queue("slow", { rate: { count: 1, perMs: 60_000 } })
      const { dispatcherOf, add, started } = yield* makeOver([slow])
      add("ann", { notBefore: 500 })
      add("bob")
      yield* dispatcherOf
      yield* settled
      assert.deepStrictEqual(started, ["ann parked until 500", "bob"])
    })
  )
})

describe("a task whose time has not come", () => {
  it.effect("is parked until then; one whose time is now is started", () =>
    Effect.gen(function* () {
      const lane = queue("work")
      const { dispatcherOf, add, started } = yield* makeOver([lane])
      yield* TestClock.adjust("1 second")
      add("ann", { notBefore: 1_001 })
      add("bob", { notBefore: 1_000 })
      add("cid")
      yield* dispatcherOf
      yield* settled
      assert.deepStrictEqual(started, ["ann parked until 1001", "bob", "cid"])
    })
  )
})

describe("while it is not known what is paused", () => {
  it.effect("nothing is started, and it is looked again every hundred milliseconds, however often it is rung", () =>
    Effect.gen(function* () {
      const { dispatcherOf, add, started, alarms, seen } = yield* makeOver([queue("work")])
      yield* TestClock.adjust("10 seconds")
      seen.isInformed = false
      add("ann")
      const { ring } = yield* dispatcherOf
      yield* settled
      for (const _ of upTo(3)) {
        ring()
        yield* settled
      }
      assert.deepStrictEqual(alarms, [10_100])
      yield* TestClock.adjust("40 millis")
      ring()
      yield* TestClock.adjust("60 millis")
      assert.deepStrictEqual(alarms, [10_100, 10_200])
      assert.deepStrictEqual(started, [])
      seen.isInformed = true
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(started, ["ann"])
    })
  )

  it.effect("it is looked again as soon where the clock was set back", () =>
    Effect.gen(function* () {
      const { dispatcherOf, add, started, alarms, seen } = yield* makeOver([queue("work")])
      yield* TestClock.adjust("10 seconds")
      seen.isInformed = false
      add("ann")
      const { ring } = yield* dispatcherOf
      yield* settled
      yield* TestClock.setTime(5_000)
      ring()
      yield* settled
      assert.deepStrictEqual(alarms, [10_100, 5_100])
      assert.deepStrictEqual(started, [])
    })
  )
})

describe("while a worker does not know which partitions it holds", () => {
  it.effect("its queue starts nothing, others do, and it is looked again every hundred milliseconds", () =>
    Effect.gen(function* () {
      const [one, other] = [queue("one"), queue("other")]
      const { dispatcherOf, add, join, started, alarms } = yield* makeOver([one, other])
      const group = join(one, { isSure: false, holds: true })
      join(other, { isSure: true, holds: true })
      const { ring } = yield* dispatcherOf
      yield* settled
      assert.deepStrictEqual(alarms, [], "there is nothing that could be started")
      add("ann", {}, one)
      add("bob", {}, other)
      ring()
      yield* settled
      assert.deepStrictEqual(started, ["bob"])
      assert.deepStrictEqual(alarms, [100])
      group.isSure = true
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(started, ["bob", "ann"])
    })
  )

  it.effect("a task of a partition that is another's by now is not started, and waits for that to be told", () =>
    Effect.gen(function* () {
      const lane = queue("work", { rate: { count: 1, perMs: 60_000 } })
      const { dispatcherOf, add, join, started } = yield* makeOver([lane])
      const group = join(lane, { isSure: true, holds: false })
      const task = add("ann")
      const { ring } = yield* dispatcherOf
      yield* settled
      assert.deepStrictEqual([started, task.box.state, lane.boxes.running.size], [[], "waiting", 0])
      group.holds = true
      add("bob")
      ring()
      yield* settled
      assert.deepStrictEqual(started, ["bob"], "and it has cost nothing")
    })
  )
})

describe("a deadline", () => {
  it.effect("ends what runs for too long, at the next look every fifty milliseconds, whenever it was begun", () =>
    Effect.gen(function* () {
      const { dispatcherOf, add, end, on, stopped } = yield* makeOver([queue("work")])
      on.start = (task) => {
        if (task.id === "unbegun") task.fiber = null
      }
      const { ring } = yield* dispatcherOf
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(stopped, [])
      for (const begun of [1_000, 5_000]) {
        yield* TestClock.setTime(begun)
        const late = add("late", { deadline: begun + 500 })
        const patient = add("patient", { deadline: begun + 60_000 })
        const unbegun = add("unbegun", { deadline: begun })
        ring()
        yield* settled
        yield* TestClock.adjust("499 millis")
        assert.deepStrictEqual(stopped, [])
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(stopped.splice(0), ["late timeout"])
        for (const task of [late, patient, unbegun]) end(task)
        yield* TestClock.adjust("1 second")
      }
      assert.deepStrictEqual(stopped, [])
    })
  )
})

/** Running mailboxes that know how often somebody counted them or went through them, as every look does. */
class Watched<A> extends Set<A> {
  looks = 0
  override get size() {
    this.looks++
    return super.size
  }
  override [Symbol.iterator]() {
    this.looks++
    return super[Symbol.iterator]()
  }
}

describe("a process that can start nothing", () => {
  for (const [why, task, slots] of [
    ["as it has nothing to do", null, 1],
    ["as its slots are taken", { crashes: 0 }, 1],
    ["as a task runs alone", { crashes: poisonous }, 9]
  ] as const) {
    it.effect(`rests ${why}`, () =>
      Effect.gen(function* () {
        const running = new Watched<Mailboxes.Mailbox<LiveTask>>()
        const lane = { ...queue("work"), boxes: { ...Mailboxes.make<LiveTask>(), running } }
        const { dispatcherOf, add, started } = yield* makeOver([lane], slots)
        if (task !== null) {
          add("ann", task)
          add("bob")
        }
        yield* dispatcherOf
        yield* settled
        const looks = running.looks
        for (const _ of upTo(10)) yield* settled
        // What runs is looked at for its deadline; where nothing does, not even that.
        if (task === null) yield* TestClock.adjust("10 seconds")
        assert.strictEqual(running.looks, looks)
        assert.strictEqual(started.length, task === null ? 0 : 1)
      })
    )
  }
})
