/** One attempt from start to end, with a settlement that only listens. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { TestClock } from "effect/testing"
import { unreadableHeader } from "../../src/broker/Record.ts"
import { done, retry } from "../../src/domain/Outcome.ts"
import type { Outcome } from "../../src/domain/Outcome.ts"
import type { Task } from "../../src/domain/Task.ts"
import { Journal } from "../../src/journal/Journal.ts"
import { JournalError, JournalUnavailable } from "../../src/journal/JournalError.ts"
import { makeMemoryJournal } from "../../src/journal/memory/MemoryJournal.ts"
import type { ActorOptions } from "../../src/runtime/Actor.ts"
import { makeAttempts } from "../../src/runtime/Attempts.ts"
import type { Lane, LiveTask, Ownership } from "../../src/runtime/Lane.ts"
import * as Mailboxes from "../../src/runtime/Mailboxes.ts"
import type { TaskContext } from "../../src/runtime/TaskContext.ts"
import { bytes, taskRow } from "../support/journalRows.ts"
import { laneOf, liveTask, ownershipOf, silentFlush } from "../support/liveTasks.ts"
import { actorOf, pass } from "../support/runtimeWorld.ts"
import type { Numbered } from "../support/runtimeWorld.ts"

type Handler = (value: Numbered, task: TaskContext) => Effect.Effect<unknown, unknown>

/** Attempts of one actor, and what they ask of the others. */
const makeListened = Effect.fnUntraced(function* (
  handler: Handler,
  more: Partial<ActorOptions<Numbered, unknown, never>> = {}
) {
  const { journal } = yield* makeMemoryJournal
  const context = yield* Effect.context()
  const settled: Array<Outcome> = []
  const invalid: Array<string> = []
  const dirty: Array<LiveTask["state"]> = []
  const barriers: Array<() => void> = []
  const changed: Array<Lane> = []
  const rows: Array<Effect.Effect<Task | null, JournalError>> = []
  const attempts = yield* makeAttempts<never>({
    flush: {
      ...silentFlush,
      task: (task) => dirty.push(task.state),
      after: (go) => barriers.push(go)
    },
    settlement: {
      settle: (_task, _session, outcome) => settled.push(outcome),
      invalid: (_task, detail) => invalid.push(detail),
      cancelQueued: () => false,
      park: () => {}
    },
    runFork: Effect.runForkWith(context),
    changed: (lane) => changed.push(lane)
  }).pipe(
    Effect.provideService(
      Journal,
      Journal.of({ ...journal, task: () => Effect.suspend(() => rows.shift() ?? Effect.succeed(null)) })
    )
  )
  const lane = laneOf(actorOf(handler, more))
  let partitions = 0
  /** A task that was taken out of the line, as the dispatcher does; each of a partition of its own. */
  const taken = (of: Partial<LiveTask> = {}, owner: Partial<Ownership> = {}) => {
    const task = liveTask(ownershipOf(lane, { partition: partitions++, ...owner }), 5, of)
    Mailboxes.take(lane.boxes, "medium")
    return task
  }
  /** The batch under way is written. */
  const write = () => {
    for (const go of barriers.splice(0)) go()
  }
  return { attempts, lane, taken, write, settled, invalid, dirty, barriers, changed, rows }
})

const recordOf = (value: Uint8Array | null, headers: Record<string, string> = {}) => ({
  key: bytes("ann"),
  value,
  headers
})

describe("an attempt", () => {
  it.effect("counts, is given the value and what is known of the task, and is settled as soon as it ends", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const { attempts, lane, taken, settled, dirty, barriers } = yield* makeListened((value, { attempt, offset }) =>
        Effect.sync(() => (seen.push(value, attempt, offset), "fine"))
      )
      yield* TestClock.adjust("3 seconds")
      const task = taken({ attempt: 1, notBefore: 7 })
      attempts.start(task)
      assert.deepStrictEqual(seen, [{ n: 5 }, 2, 5])
      assert.deepStrictEqual(settled, [done("fine")])
      assert.deepInclude(task, { attempt: 2, state: "in_progress", notBefore: null, startedAt: 3_000, fiber: null })
      assert.strictEqual(lane.started, 1)
      assert.deepStrictEqual([dirty, barriers], [[], []], "nothing has to be written for it first")
    })
  )

  it.effect("is settled by how it failed", () =>
    Effect.gen(function* () {
      const { attempts, taken, settled } = yield* makeListened(() => Effect.fail("no luck"))
      attempts.start(taken())
      assert.deepStrictEqual(settled, [retry("no luck")])
    })
  )

  it.effect("has the time that its policy gives, and a fiber as long as it runs", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<string>()
      const { attempts, taken, settled } = yield* makeListened(() => Deferred.await(gate), { timeoutMs: 1_500 })
      yield* TestClock.adjust("2 seconds")
      const task = taken()
      attempts.start(task)
      assert.isNotNull(task.fiber)
      assert.strictEqual(task.deadline, 3_500)
      assert.deepStrictEqual(settled, [])
      yield* Deferred.succeed(gate, "late")
      yield* TestClock.adjust("0 millis")
      assert.deepStrictEqual(settled, [done("late")])
      assert.isNull(task.fiber)
    })
  )

  it.effect("does not begin where the record cannot be read, and says why", () =>
    Effect.gen(function* () {
      let runs = 0
      const { attempts, lane, taken, invalid, settled } = yield* makeListened(() => Effect.sync(() => runs++))
      const records = [
        recordOf(bytes(`{"n":1}`), { [unreadableHeader]: "too large" }),
        recordOf(null),
        { ...recordOf(bytes("{")), key: new Uint8Array(1_025) },
        recordOf(bytes("{")),
        recordOf(Uint8Array.of(0x22, 0xff, 0x22))
      ]
      for (const record of records) attempts.start(taken({ record }))
      const [foreign, empty, keyed, ...values] = invalid
      assert.deepStrictEqual([foreign, empty], ["too large", "the record has no value"])
      assert.strictEqual(keyed, "the key has 1025 bytes, and may have 1024")
      assert.match(values[0]!, /^the value is not JSON in UTF-8: .*JSON/)
      assert.match(values[1]!, /^the value is not JSON in UTF-8: .*encoded/)
      Object.assign(lane, { decode: () => ({ ok: false, detail: "n is missing" }) })
      attempts.start(taken())
      assert.strictEqual(invalid.at(-1), "n is missing")
      assert.deepStrictEqual([invalid.length, settled.length, runs], [6, 0, 0])
    })
  )
})

describe("an attempt that is stopped", () => {
  for (const [reason, outcome] of [
    ["cancel", { _tag: "Cancel", reason: "cancelled while it was running" }],
    ["timeout", { _tag: "Retry", reason: "no answer within 1500 ms", afterMs: undefined }]
  ] as const) {
    it.effect(`by ${reason} is interrupted, and settled as that`, () =>
      Effect.gen(function* () {
        const { attempts, taken, settled, dirty } = yield* makeListened(() => Effect.never, { timeoutMs: 1_500 })
        const task = taken()
        attempts.start(task)
        attempts.stop(task, reason)
        yield* TestClock.adjust("0 millis")
        assert.deepStrictEqual<ReadonlyArray<unknown>>(settled, [outcome])
        assert.deepInclude(task, { stop: null, fiber: null, attempt: 1 })
        assert.deepStrictEqual(dirty, [])
      })
    )
  }

  it.effect("by a drain is put back without being counted, and stands in line where its partition stays", () =>
    Effect.gen(function* () {
      const { attempts, lane, taken, settled, dirty, changed } = yield* makeListened(() => Effect.never)
      const task = taken({ attempt: 2 })
      attempts.start(task)
      yield* TestClock.adjust("700 millis")
      attempts.stop(task, "drain")
      yield* TestClock.adjust("0 millis")
      assert.deepInclude(task, { state: "queued", attempt: 2, stop: null, fiber: null })
      assert.deepStrictEqual([settled, dirty, changed], [[], [], [lane]])
      assert.deepStrictEqual(Mailboxes.nextLine(lane.boxes), { priority: "medium", rank: 1_700 })
      assert.strictEqual(lane.boxes.running.size, 0)
    })
  )

  it.effect("by a drain of its partition waits for the next owner, who reads in its row that it is queued", () =>
    Effect.gen(function* () {
      const { attempts, lane, taken, dirty, changed } = yield* makeListened(() => Effect.never)
      const task = taken({ written: true }, { draining: false })
      attempts.start(task)
      task.ownership.draining = true
      attempts.stop(task, "drain")
      yield* TestClock.adjust("0 millis")
      assert.deepStrictEqual([dirty, changed], [["queued"], [lane]])
      assert.isUndefined(Mailboxes.nextLine(lane.boxes))
      assert.strictEqual(lane.boxes.running.size, 0)
    })
  )

  it.effect("in its first step, before there is a fiber to interrupt, is settled by its own end", () =>
    Effect.gen(function* () {
      let tell = () => {}
      const { attempts, taken, settled } = yield* makeListened(() => Effect.sync(() => (tell(), "sent")))
      const task = taken()
      tell = () => attempts.stop(task, "timeout")
      attempts.start(task)
      assert.deepStrictEqual(settled, [done("sent")])
      assert.isNull(task.stop)
    })
  )

  it.effect("twice is settled by the first reason, for that is what it was told", () =>
    Effect.gen(function* () {
      const { attempts, taken, settled } = yield* makeListened(() =>
        Effect.uninterruptible(Effect.andThen(Effect.sleep("1 second"), Effect.fail("no")))
      )
      const task = taken()
      attempts.start(task)
      attempts.stop(task, "cancel")
      attempts.stop(task, "timeout")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        settled.map(({ _tag }) => _tag),
        ["Cancel"]
      )
    })
  )

  it.effect("by the loss of its partition is settled by nobody here, whatever it was told before and how it ends", () =>
    Effect.gen(function* () {
      const { attempts, taken, settled, dirty, changed } = yield* makeListened(() =>
        Effect.uninterruptible(Effect.sleep("1 second"))
      )
      const task = taken({ written: true })
      attempts.start(task)
      attempts.stop(task, "cancel")
      task.ownership.alive = false
      attempts.stop(task, "lost")
      assert.strictEqual(task.stop, "lost")
      yield* TestClock.adjust("1 second")
      assert.isNull(task.fiber)
      assert.deepStrictEqual([settled, dirty, changed], [[], [], []])
    })
  )
})

describe("an attempt that may take the process with it", () => {
  for (const [name, task, owner] of [
    ["was near a crash", {}, { carefulBelow: 6 }],
    ["crashed a worker", { crashes: 1 }, {}]
  ] as const) {
    it.effect(`begins once it is written that it runs, where it ${name}`, () =>
      Effect.gen(function* () {
        let runs = 0
        const { attempts, taken, write, dirty, settled } = yield* makeListened(() => Effect.sync(() => ++runs))
        yield* TestClock.adjust("2 seconds")
        const suspect = taken(task, owner)
        attempts.start(suspect)
        assert.deepStrictEqual(dirty, ["in_progress"])
        assert.deepInclude(suspect, { startedAt: 2_000, attempt: 1 })
        assert.strictEqual(runs, 0)
        write()
        assert.deepStrictEqual(settled, [done(1)])
      })
    )
  }

  it.effect("is not waited for by what stands behind the careful part of the log", () =>
    Effect.gen(function* () {
      const { attempts, taken, barriers, settled } = yield* makeListened(() => Effect.void)
      attempts.start(taken({}, { carefulBelow: 5 }))
      assert.deepStrictEqual([barriers.length, settled.length], [0, 1])
    })
  )

  it.effect("does not begin where its partition was lost, or it has ended, while that was written", () =>
    Effect.gen(function* () {
      let runs = 0
      const { attempts, taken, write, settled, changed } = yield* makeListened(() => Effect.sync(() => ++runs))
      const lost = taken({ crashes: 1 })
      attempts.start(lost)
      lost.ownership.alive = false
      write()
      const ended = taken({ crashes: 1 })
      attempts.start(ended)
      ended.state = "cancelled"
      write()
      assert.deepStrictEqual([runs, settled, changed], [0, [], []])
    })
  )

  it.effect("is put back where its partition is given away while that is written", () =>
    Effect.gen(function* () {
      let runs = 0
      const { attempts, taken, write, settled } = yield* makeListened(() => Effect.sync(() => ++runs))
      const task = taken({ crashes: 1 })
      attempts.start(task)
      task.ownership.draining = true
      write()
      assert.deepStrictEqual([runs, settled], [0, []])
      assert.deepInclude(task, { state: "queued", attempt: 0 })
      assert.strictEqual(task.box.state, "waiting")
    })
  )

  it.effect("is cancelled before it begins where that is wished while it is written", () =>
    Effect.gen(function* () {
      let runs = 0
      const { attempts, taken, write, settled } = yield* makeListened(() => Effect.sync(() => ++runs))
      const task = taken({ crashes: 1 })
      attempts.start(task)
      attempts.stop(task, "cancel")
      write()
      assert.strictEqual(runs, 0)
      assert.deepStrictEqual(settled, [{ _tag: "Cancel", reason: "cancelled before it ran" }])
      assert.isNull(task.stop)
    })
  )

  it.effect("is cancelled, and not failed, where six workers have died of it and that was wished before its turn", () =>
    Effect.gen(function* () {
      const { attempts, taken, settled } = yield* makeListened(() => Effect.void)
      const task = taken({ crashes: 6 })
      attempts.stop(task, "cancel")
      attempts.start(task)
      assert.deepStrictEqual(settled, [{ _tag: "Cancel", reason: "cancelled before it ran" }])
      assert.isNull(task.stop)
    })
  )

  it.effect("is failed instead of begun when six workers have died of it", () =>
    Effect.gen(function* () {
      let runs = 0
      const { attempts, taken, write, settled } = yield* makeListened(() => Effect.sync(() => ++runs))
      attempts.start(taken({ crashes: 5 }))
      write()
      assert.strictEqual(runs, 1)
      yield* TestClock.adjust("1 second")
      const task = taken({ crashes: 6 })
      attempts.start(task)
      write()
      assert.strictEqual(runs, 1)
      assert.deepStrictEqual<unknown>(settled[1], {
        _tag: "Fail",
        reason: "crashed the worker",
        detail: "a worker died 6 times while it ran",
        outputs: undefined
      })
      assert.strictEqual(task.startedAt, 1_000)
    })
  )
})

describe("a task that gave up the bytes of its record while it waited", () => {
  it.effect("gets them back from the journal before it begins", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const { attempts, taken, rows, settled } = yield* makeListened((value) => Effect.sync(() => seen.push(value)))
      const task = taken({ record: null })
      rows.push(Effect.as(Effect.sleep("1 second"), taskRow({ queue: "work", offset: 5 })))
      attempts.start(task)
      assert.deepStrictEqual(seen, [])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(seen, [{ n: 5 }])
      assert.strictEqual(settled.length, 1)
      assert.strictEqual(task.attempt, 1)
    })
  )

  it.effect("asks for them again where the journal does not answer, a few times a second", () =>
    Effect.gen(function* () {
      const { attempts, taken, rows, settled } = yield* makeListened(() => Effect.void)
      let asked = 0
      const down = Effect.suspend(() => {
        asked++
        rows.push(down)
        return Effect.fail(new JournalError({ operation: "task", reason: new JournalUnavailable({ detail: "down" }) }))
      })
      rows.push(down)
      const task = taken({ record: null })
      attempts.start(task)
      yield* pass(2_000)
      assert.isAtLeast(asked, 2)
      assert.isAtMost(asked, 40)
      rows.splice(0, 1, Effect.succeed(taskRow({ queue: "work", offset: 5 })))
      yield* pass(1_000)
      assert.deepStrictEqual(settled, [done(undefined)])
    })
  )

  for (const [name, row] of [
    ["no row", null],
    ["a row without them", taskRow({ queue: "work", offset: 5, record: null })]
  ] as const) {
    it.effect(`is invalid where the journal has ${name}, with the key it had`, () =>
      Effect.gen(function* () {
        const { attempts, taken, rows, invalid } = yield* makeListened(() => Effect.void)
        rows.push(Effect.succeed(row))
        const task = taken({ record: null })
        attempts.start(task)
        yield* TestClock.adjust("0 millis")
        assert.deepStrictEqual(invalid, ["the record has no value"])
        assert.deepStrictEqual(task.record, { key: bytes("ann"), value: null, headers: {} })
      })
    )
  }
})
