/** The one loop that writes, against a journal that answers what a test tells it to. */
import { assert, describe, it } from "@effect/vitest"
import type { Fiber } from "effect"
import { Clock, Effect, Scheduler } from "effect"
import { TestClock } from "effect/testing"
import { Broker } from "../../src/broker/Broker.ts"
import { makeMemoryBroker } from "../../src/broker/memory/MemoryBroker.ts"
import type { OutgoingRecord } from "../../src/broker/Record.ts"
import { Journal } from "../../src/journal/Journal.ts"
import type { Batch, QueuePartition } from "../../src/journal/Journal.ts"
import { JournalError, JournalUnavailable, WriteRefused } from "../../src/journal/JournalError.ts"
import { makeMemoryJournal } from "../../src/journal/memory/MemoryJournal.ts"
import type { LiveTask, Ownership } from "../../src/runtime/Lane.ts"
import { makeFlush } from "../../src/runtime/Flush.ts"
import { settled } from "../support/dispatching.ts"
import { handedOn, laneOf, liveTask, ownershipOf } from "../support/liveTasks.ts"
import { actorOf } from "../support/runtimeWorld.ts"

type Answer = Effect.Effect<ReadonlyArray<QueuePartition>, JournalError>

const written: Answer = Effect.succeed([])
const refused = Effect.fail(new JournalError({ operation: "flush", reason: new WriteRefused({ detail: "a bad row" }) }))
const down = Effect.fail(new JournalError({ operation: "flush", reason: new JournalUnavailable({ detail: "down" }) }))

/** Counts what the fibers of a flush do: in virtual time a loop without end shows in nothing else. */
class CountingScheduler extends Scheduler.MixedScheduler {
  operations = 0
  override shouldYield(fiber: Fiber.Fiber<unknown, unknown>) {
    this.operations++
    return super.shouldYield(fiber)
  }
}

/** A flush, what it wrote, and what it told. */
const makeScripted = Effect.gen(function* () {
  const scheduler = new CountingScheduler()
  const { journal } = yield* makeMemoryJournal
  const { broker } = yield* makeMemoryBroker
  const batches: Array<Batch & { readonly at: number }> = []
  const outputs: Array<OutgoingRecord> = []
  const stale: Array<Ownership> = []
  const flushed: Array<ReadonlyArray<LiveTask>> = []
  const script: { answer: (batch: Batch) => Answer } = { answer: () => written }
  const flush = yield* makeFlush({
    stale: (ownership) => {
      stale.push(ownership)
      ownership.alive = false
    },
    flushed: (tasks) => flushed.push(tasks.map(([task]) => task))
  }).pipe(
    Effect.provideService(
      Journal,
      Journal.of({
        ...journal,
        commit: (batch, alongside) =>
          Effect.gen(function* () {
            batches.push({ ...batch, at: yield* Clock.currentTimeMillis })
            const refusals = yield* script.answer(batch)
            if (refusals.length === 0) yield* alongside
            return refusals
          })
      })
    ),
    Effect.provideService(
      Broker,
      Broker.of({
        ...broker,
        handOver: (records) =>
          Effect.sync(() => {
            assert.isNotEmpty(records, "what hands nothing on does not ask the broker")
            outputs.push(...records)
          })
      })
    ),
    Effect.provideService(Scheduler.Scheduler, scheduler)
  )
  return { flush, batches, outputs, stale, flushed, script, operations: () => scheduler.operations }
})

const offsetsOf = (batches: ReadonlyArray<Batch>) => batches.map(({ tasks }) => tasks.map(({ offset }) => offset))

/** Lets the event loop go round: in every turn, what is ready goes on. */
const turns = (count: number) =>
  Effect.promise(async () => {
    for (let n = 0; n < count; n++) await new Promise((done) => setImmediate(done))
  })

const upTo = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i)

describe("the flush", () => {
  it.effect("writes a task once, as it stands when the batch is built, with all that became dirty with it", () =>
    Effect.gen(function* () {
      const { flush, batches, flushed } = yield* makeScripted
      yield* settled
      const ownership = ownershipOf()
      const [one, other] = [liveTask(ownership, 0), liveTask(ownership, 1)]
      flush.task(one)
      one.state = "in_progress"
      flush.task(one)
      one.progress = "7"
      yield* Effect.sync(() => flush.task(other))
      assert.strictEqual(flush.backlog(), 2)
      yield* settled
      assert.deepStrictEqual(offsetsOf(batches), [[0, 1]])
      assert.deepInclude(batches[0]!.tasks[0], { state: "in_progress", progress: "7" })
      assert.deepStrictEqual(flushed, [[one, other]])
      assert.strictEqual(flush.backlog(), 0)
      assert.isTrue(one.written)
      yield* flush.barrier
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(batches.length, 1, "and then rests")
    })
  )

  it.effect("rests while nothing is to be written", () =>
    Effect.gen(function* () {
      const { flush, operations } = yield* makeScripted
      flush.task(liveTask(ownershipOf(), 0))
      yield* turns(50)
      const done = operations()
      assert.isAbove(done, 0)
      yield* turns(50)
      assert.strictEqual(operations(), done)
    })
  )

  it.effect("hands on what a task leaves behind with the row of its end, not before", () =>
    Effect.gen(function* () {
      const { flush, batches, outputs } = yield* makeScripted
      const outbox = { records: [handedOn(0)], states: [], holds: [] }
      const task = liveTask(ownershipOf(), 0, { state: "in_progress", outbox })
      flush.task(task)
      yield* settled
      assert.deepStrictEqual([batches.length, outputs.length], [1, 0])
      task.state = "succeeded"
      flush.task(task)
      yield* settled
      assert.deepStrictEqual(outputs, [handedOn(0)])
    })
  )

  it.effect("writes the ends of tasks in the order in which they ended, whichever was dirty before", () =>
    Effect.gen(function* () {
      const { flush, batches } = yield* makeScripted
      const ownership = ownershipOf()
      const [first, second] = [liveTask(ownership, 0), liveTask(ownership, 1)]
      flush.task(second)
      flush.ended(first)
      flush.ended(second)
      assert.strictEqual(flush.backlog(), 2)
      yield* settled
      assert.deepStrictEqual(offsetsOf(batches), [[0, 1]])
    })
  )

  it.effect("writes two thousand tasks at a time, and tells who waits once what was dirty then is written", () =>
    Effect.gen(function* () {
      const { flush, batches } = yield* makeScripted
      const ownership = ownershipOf()
      const tasks = upTo(4_500).map((offset) => liveTask(ownership, offset))
      const told: Array<string> = []
      const tell = (name: string) => flush.after(() => told.push(`${name} after ${batches.length}`))
      tell("nothing")
      for (const task of tasks.slice(0, 2_000)) flush.task(task)
      tell("2000")
      flush.task(tasks[2_000]!)
      tell("2001")
      // It was dirty: it moves to the end, and who waited for it waits for no one else.
      flush.ended(tasks[0]!)
      tell("moved")
      for (const task of tasks.slice(2_001)) flush.task(task)
      tell("all")
      yield* flush.barrier
      assert.deepStrictEqual(offsetsOf(batches), [upTo(2_000, 1), [0, ...upTo(1_999, 2_001)], upTo(500, 4_000)])
      assert.deepStrictEqual(told, ["nothing after 1", "2000 after 1", "2001 after 1", "moved after 2", "all after 3"])
    })
  )

  it.effect("tells who waits although there is nothing to write, and writes nothing for it", () =>
    Effect.gen(function* () {
      const { flush, batches } = yield* makeScripted
      yield* settled
      yield* flush.barrier
      yield* flush.barrier
      assert.deepStrictEqual(batches, [])
    })
  )

  it.effect("fences whatever it writes by the partition it belongs to, and tells how far that is journalled", () =>
    Effect.gen(function* () {
      const { flush, batches } = yield* makeScripted
      const lane = laneOf()
      const owned = upTo(5).map((partition) => ownershipOf(lane, { partition, epoch: 10 + partition }))
      const [ofTask, ofItem, ofCommand, ofPosition] = owned as [Ownership, Ownership, Ownership, Ownership]
      ofPosition.mark.next = 7
      flush.task(liveTask(ofTask, 0))
      flush.item(ofItem, { kind: "step", row: { task: "t", name: "call", result: "1", at: 0 } })
      flush.command(1, ofCommand)
      flush.command(2, null)
      flush.position(ofPosition)
      yield* settled
      assert.strictEqual(batches.length, 1)
      assert.sameDeepMembers(
        [...batches[0]!.positions],
        [
          { queue: "work", partition: 0, epoch: 10, nextOffset: 1 },
          { queue: "work", partition: 1, epoch: 11, nextOffset: 0 },
          { queue: "work", partition: 2, epoch: 12, nextOffset: 0 },
          { queue: "work", partition: 3, epoch: 13, nextOffset: 7 }
        ]
      )
      assert.deepInclude(batches[0], {
        commands: [1, 2]
      })
      assert.strictEqual(batches[0]!.steps.length, 1)
      assert.deepStrictEqual(
        owned.map((one) => one.written),
        [1, 0, 0, 7, 0]
      )
    })
  )

  for (const [name, dirty] of [
    ["an item", (flush) => flush.item(ownershipOf(), { kind: "skip", row: { flow: "f", task: "t", offset: 0 } })],
    ["a command", (flush) => flush.command(1, null)],
    ["a position", (flush) => flush.position(ownershipOf())]
  ] satisfies ReadonlyArray<readonly [string, (flush: Effect.Success<ReturnType<typeof makeFlush>>) => void]>) {
    it.effect(`writes ${name} that comes alone, once`, () =>
      Effect.gen(function* () {
        const { flush, batches } = yield* makeScripted
        yield* settled
        dirty(flush)
        yield* settled
        assert.strictEqual(batches.length, 1)
        yield* flush.barrier
        assert.strictEqual(batches.length, 1)
      })
    )
  }

  it.effect("drops what belongs to a partition that was lost before it was taken, and goes on", () =>
    Effect.gen(function* () {
      const { flush, batches, flushed } = yield* makeScripted
      const [lost, mine] = [ownershipOf(), ownershipOf()]
      const gone = liveTask(lost, 0)
      flush.task(gone)
      lost.alive = false
      yield* flush.barrier
      assert.deepStrictEqual([batches.length, gone.written, lost.mark.next], [0, false, 0])
      flush.task(liveTask(mine, 5))
      yield* flush.barrier
      assert.deepStrictEqual(offsetsOf(batches), [[5]])
      assert.deepStrictEqual(
        flushed.flat().map(({ offset }) => offset),
        [5]
      )
    })
  )
})

describe("a flush whose journal is down", () => {
  it.effect("is tried again under the same number, ever more slowly up to a second, and loses nothing", () =>
    Effect.gen(function* () {
      const { flush, batches, flushed, script } = yield* makeScripted
      const ownership = ownershipOf()
      script.answer = () => down
      flush.task(liveTask(ownership, 0))
      yield* settled
      flush.task(liveTask(ownership, 1))
      for (const _ of upTo(4_000)) yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(
        batches.map(({ at }) => at),
        [0, 20, 60, 140, 300, 620, 1_260, 2_260, 3_260]
      )
      assert.deepStrictEqual(new Set(batches.map(({ number }) => number)), new Set([1]))
      assert.deepStrictEqual([ownership.written, flushed.length], [0, 0])
      script.answer = () => written
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(offsetsOf(batches.slice(9)), [[0], [1]])
      assert.strictEqual(ownership.written, 2)
    })
  )

  it.effect("tells only how far it had taken, where the partition has moved on meanwhile", () =>
    Effect.gen(function* () {
      const { flush, script } = yield* makeScripted
      const ownership = ownershipOf()
      script.answer = () => Effect.as(Effect.sleep("1 second"), [])
      flush.task(liveTask(ownership, 0))
      yield* settled
      ownership.mark.next = 5
      yield* TestClock.adjust("1 second")
      assert.strictEqual(ownership.written, 1)
      // What is known to be written is never taken back.
      ownership.written = 9
      flush.position(ownership)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(ownership.written, 9)
    })
  )
})

describe("a flush that the journal refuses", () => {
  for (const [how, answer] of [
    ["answers so", refused],
    ["throws", Effect.die(new TypeError("a bad row"))]
  ] as const) {
    it.effect(`writes all but the task that cannot be written, which fails, where the journal ${how}`, () =>
      Effect.gen(function* () {
        const { flush, batches, outputs, flushed, script } = yield* makeScripted
        const ownership = ownershipOf()
        const tasks = upTo(5).map((offset) =>
          liveTask(ownership, offset, {
            state: "succeeded",
            outbox: { records: [handedOn(offset)], states: [], holds: [] }
          })
        )
        const isBad = ({ offset, state }: Batch["tasks"][number]) => offset === 3 && state === "succeeded"
        script.answer = (batch) => (batch.tasks.some(isBad) ? answer : written)
        for (const task of tasks) flush.task(task)
        yield* flush.barrier
        const accepted = batches.filter(({ tasks: rows }) => !rows.some(isBad))
        const rows = accepted.flatMap((batch) => batch.tasks)
        assert.deepStrictEqual(
          rows.map(({ offset, state }) => [offset, state]),
          upTo(5).map((offset) => [offset, offset === 3 ? "failed" : "succeeded"])
        )
        assert.match(rows[3]!.reason!, /^its end could not be stored: flush: .*a bad row/)
        assert.deepStrictEqual(outputs, [0, 1, 2, 4].map(handedOn))
        assert.strictEqual(new Set(batches.map(({ number }) => number)).size, batches.length)
        // The position moves with the last part, when all of it is there.
        assert.deepStrictEqual(
          accepted.map(({ positions }) => positions[0]!.nextOffset),
          accepted.map((_, n) => (n === accepted.length - 1 ? 5 : 0))
        )
        assert.strictEqual(ownership.written, 5)
        assert.deepStrictEqual(flushed, [tasks])
      })
    )
  }

  it.effect("goes without an item that cannot be written, and keeps those beside it", () =>
    Effect.gen(function* () {
      const { flush, batches, script } = yield* makeScripted
      const ownership = ownershipOf()
      const isBad = (batch: Batch) => batch.logs.some(({ seq }) => seq === 2)
      script.answer = (batch) => (isBad(batch) ? refused : written)
      flush.task(liveTask(ownership, 0))
      for (const seq of [1, 2, 3])
        flush.item(ownership, { kind: "log", row: { task: "t", seq, at: 0, level: "info", message: "m" } })
      yield* flush.barrier
      const accepted = batches.filter((batch) => !isBad(batch))
      assert.deepStrictEqual(
        accepted.flatMap(({ logs }) => logs.map(({ seq }) => seq)),
        [1, 3]
      )
      assert.deepStrictEqual(offsetsOf(accepted).flat(), [0])
      assert.strictEqual(accepted.flatMap(({ tasks }) => tasks)[0]!.state, "queued")
    })
  )

  it.effect("gives a task up whose failure is refused too, and goes on", () =>
    Effect.gen(function* () {
      const { flush, batches, script } = yield* makeScripted
      const ownership = ownershipOf()
      script.answer = () => refused
      flush.task(liveTask(ownership, 0, { state: "succeeded" }))
      yield* flush.barrier
      assert.deepStrictEqual(
        batches.map(({ tasks }) => tasks[0]!.state),
        ["succeeded", "failed"]
      )
      assert.strictEqual(ownership.written, 0)
      script.answer = () => written
      flush.task(liveTask(ownership, 1))
      yield* flush.barrier
      assert.deepStrictEqual(offsetsOf(batches.slice(2)), [[1]])
    })
  )
})

describe("a flush that has taken more than one message to the journal may hold", () => {
  // Postgres ended the connection each time, which was taken for an outage: the writing stood still.
  it.effect("writes it in parts, in order, and fails the task that is too much alone", () =>
    Effect.gen(function* () {
      const { flush, batches, outputs } = yield* makeScripted
      const ownership = ownershipOf()
      const [third, tooMuch] = [24, 65].map((mebi) => "x".repeat(mebi << 20))
      const tasks = upTo(8).map((offset) =>
        liveTask(ownership, offset, {
          state: "succeeded",
          result: offset === 5 ? tooMuch! : third!,
          outbox: { records: [handedOn(offset)], states: [], holds: [] }
        })
      )
      for (const task of tasks) flush.task(task)
      yield* flush.barrier
      assert.deepStrictEqual(offsetsOf(batches), [[0, 1], [2, 3], [4], [5], [6, 7]])
      const failed = batches[3]!.tasks[0]!
      assert.deepStrictEqual([failed.state, failed.result], ["failed", null])
      assert.match(failed.reason!, /^its end could not be stored: flush: .*it has 66 MiB, and may have 64$/)
      assert.deepStrictEqual(outputs, [0, 1, 2, 3, 4, 6, 7].map(handedOn))
      assert.strictEqual(ownership.written, 8)
      flush.task(liveTask(ownership, 8, { state: "succeeded", result: "x".repeat(64 << 20) }))
      yield* flush.barrier
      assert.strictEqual(batches.at(-1)!.tasks[0]!.state, "succeeded", "it is just not too much")
    })
  )
})

describe("a flush with a stale epoch", () => {
  it.effect("tells every owner that is stale, and writes for the others what it had taken", () =>
    Effect.gen(function* () {
      const { flush, batches, outputs, stale, script } = yield* makeScripted
      const [lane, other] = [laneOf(), laneOf(actorOf(() => Effect.void, { name: "other" }))]
      const outbox = { records: [handedOn(0)], states: [], holds: [] }
      const owned = [
        ownershipOf(lane, { partition: 1 }),
        ownershipOf(lane, { partition: 2 }),
        ownershipOf(lane, { partition: 3 }),
        ownershipOf(other, { partition: 1 })
      ]
      script.answer = ({ positions }) =>
        Effect.succeed(positions.filter(({ queue, partition }) => queue === "work" && partition < 3))
      for (const ownership of owned) flush.task(liveTask(ownership, 0, { state: "succeeded", outbox }))
      yield* flush.barrier
      assert.deepStrictEqual(stale, owned.slice(0, 2))
      assert.deepStrictEqual(
        batches.map(({ positions }) => positions.map(({ queue, partition }) => `${queue}/${partition}`)),
        [
          ["work/1", "work/2", "work/3", "other/1"],
          ["work/3", "other/1"]
        ]
      )
      assert.strictEqual(outputs.length, 2)
      assert.deepStrictEqual(
        owned.slice(2).map((one) => one.written),
        [1, 1]
      )
    })
  )
})
