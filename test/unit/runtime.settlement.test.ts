/** What the end of an attempt leaves behind: the task, its mailbox, and what is to be written. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { TestClock } from "effect/testing"
import { outputIdOf } from "../../src/domain/ids.ts"
import { cancel, delay, done, fail, retry } from "../../src/domain/Outcome.ts"
import type { Output } from "../../src/domain/Outcome.ts"
import { storedNameOf } from "../../src/domain/StoredName.ts"
import type { ActorOptions } from "../../src/runtime/Actor.ts"
import type { Item } from "../../src/runtime/Taken.ts"
import type { LiveTask } from "../../src/runtime/Lane.ts"
import * as Mailboxes from "../../src/runtime/Mailboxes.ts"
import { makeSettlement } from "../../src/runtime/Settlement.ts"
import type { TaskSession } from "../../src/runtime/TaskSession.ts"
import { bytes } from "../support/journalRows.ts"
import { laneOf, liveTask, ownershipOf, silentFlush } from "../support/liveTasks.ts"
import { actorOf } from "../support/runtimeWorld.ts"
import type { Numbered } from "../support/runtimeWorld.ts"

/** When a settlement's test begins, ms. */
const start = 50_000

/** A settlement whose neighbours only listen. */
const makeListened = Effect.fnUntraced(function* (more: Partial<ActorOptions<Numbered, never, never>> = {}) {
  yield* TestClock.setTime(start)
  const heard: Array<string> = []
  const items: Array<Item> = []
  const alarms: Array<{ readonly at: number; readonly ring: () => void }> = []
  const listens = (what: string) => () => void heard.push(what)
  const settlement = yield* makeSettlement({
    flush: {
      ...silentFlush,
      task: listens("row"),
      ended: listens("end"),
      item: (_, item) => items.push(item)
    },
    timers: { set: (at, ring) => alarms.push({ at, ring }) },
    changed: listens("changed"),
    ended: listens("ended"),
    blocked: listens("blocked"),
    readersOf: (topic) => (topic === "next" ? 2 : 0),
    source: "/postroom/"
  }).pipe(Effect.provideService(Random.Random, { nextIntUnsafe: () => 0, nextDoubleUnsafe: () => 0.5 }))
  /** A task of a queue of its own that is in the middle of its first attempt, with one behind it. */
  const running = (of: Partial<LiveTask> = {}) => {
    const owner = ownershipOf(laneOf(actorOf(() => Effect.void, more)), { partition: 4 })
    const task = liveTask(owner, 5, { state: "in_progress", attempt: 1, startedAt: start - 10, ...of })
    const next = liveTask(owner, 6)
    const { boxes } = owner.lane
    Mailboxes.take(boxes, task.priority)
    return { task, next, owner, boxes, box: task.box, isNextReady: () => Mailboxes.nextLine(boxes) !== undefined }
  }
  /** The same of a record without a key. */
  const keyless = () => {
    const owner = ownershipOf(laneOf(actorOf(() => Effect.void, more)))
    const box = Mailboxes.open(owner.lane.boxes, "5", null, 0, false)
    return liveTask(owner, 5, { state: "in_progress", attempt: 1, box })
  }
  const attempts = () => items.map((item) => (item.kind === "attempt" ? item.row : undefined))
  return { ...settlement, running, keyless, heard, alarms, attempts }
})

const changesOf = (changes: ReadonlyArray<readonly [string, string | null]>): TaskSession => ({
  context: undefined as never,
  changes: new Map(changes)
})

const unchanged = changesOf([])

const outputOf = (topic: string, more: Partial<Output> = {}): Output => ({
  topic,
  key: bytes("ann"),
  value: bytes(topic),
  type: "given",
  ...more
})

const holdingOf = (task: LiveTask) => task.outbox?.holds.map(({ queue, reason }) => [queue, reason])

describe("a task that is done", () => {
  it.effect("has succeeded with its result as JSON, and the next of its user goes on", () =>
    Effect.gen(function* () {
      const { running, settle, heard, attempts } = yield* makeListened()
      const { task, box, isNextReady } = running({ reason: "not yet", notBefore: 7 })
      settle(task, unchanged, done({ n: 1 }))
      assert.deepInclude(task, {
        state: "succeeded",
        result: `{"n":1}`,
        reason: null,
        notBefore: null,
        endedAt: start,
        outbox: null
      })
      assert.deepStrictEqual(heard, ["end", "ended", "changed"])
      assert.deepStrictEqual(attempts(), [], "one that went well at once is told by its task")
      assert.deepStrictEqual([box.state, isNextReady()], ["ready", true])
    })
  )

  it.effect("has no result where there is nothing to say, and fails where JSON cannot say it", () =>
    Effect.gen(function* () {
      const { running, settle } = yield* makeListened()
      const results: Array<unknown> = []
      for (const value of [undefined, null, () => 1, 0, "", 1n]) {
        const { task } = running()
        settle(task, null, done(value))
        results.push([task.state, task.result, task.reason, task.outbox?.states])
      }
      assert.deepStrictEqual(results, [
        ["succeeded", null, null, undefined],
        ["succeeded", null, null, undefined],
        ["succeeded", null, null, undefined],
        ["succeeded", "0", null, undefined],
        ["succeeded", `""`, null, undefined],
        ["failed", null, "its result cannot be written as JSON", []]
      ])
    })
  )

  it.effect("hands on what it is told to, each under an id of its own that a repeat makes again", () =>
    Effect.gen(function* () {
      const { running, settle } = yield* makeListened()
      const { task } = running({
        priority: "low",
        emitted: 3,
        record: { key: null, value: null, headers: { traceparent: "t" } }
      })
      settle(task, unchanged, done(null, [outputOf("next"), outputOf("other", { id: "mine", priority: "high" })]))
      const common = {
        ce_type: "given",
        ce_source: "/postroom/work",
        ce_time: "1970-01-01T00:00:50.000Z",
        ce_specversion: "1.0",
        traceparent: "t"
      }
      assert.deepStrictEqual(task.outbox, {
        records: [
          {
            topic: "next",
            key: bytes("ann"),
            value: bytes("next"),
            headers: { ce_id: outputIdOf(task.id, 0), ...common, ce_priority: "low" }
          },
          {
            topic: "other",
            key: bytes("ann"),
            value: bytes("other"),
            headers: { ce_id: "mine", ...common, ce_priority: "high" }
          }
        ],
        states: [],
        holds: []
      })
      assert.strictEqual(task.emitted, 3, "it is of no flow that would wait for it")
    })
  )

  // The reader of one that is too long named it after its place: what was handed on twice ran twice.
  it.effect("hands on what names itself too long or not at all under an id that a repeat makes again", () =>
    Effect.gen(function* () {
      const { running, settle } = yield* makeListened()
      const { task } = running()
      const ids = ["x".repeat(257), "x".repeat(258), ""]
      settle(
        task,
        unchanged,
        done(
          null,
          ids.map((id) => outputOf("next", { id }))
        )
      )
      assert.deepStrictEqual(
        task.outbox?.records.map(({ headers }) => headers["ce_id"]),
        [storedNameOf(ids[0]!), storedNameOf(ids[1]!), outputIdOf(task.id, 2)]
      )
    })
  )

  it.effect("counts for its flow every reader of what it hands on", () =>
    Effect.gen(function* () {
      const { running, settle } = yield* makeListened()
      const { task } = running({ flow: "f", emitted: 1 })
      settle(task, unchanged, done(null, [outputOf("next"), outputOf("nobody"), outputOf("next")]))
      assert.strictEqual(task.emitted, 5)
      assert.deepStrictEqual(
        task.outbox?.records.map(({ headers }) => [headers["ce_id"], headers["ce_flow"]]),
        [0, 1, 2].map((place) => [outputIdOf(task.id, place), "f"])
      )
    })
  )

  it.effect("has what it set of its user's state written, of a user alone", () =>
    Effect.gen(function* () {
      const { running, keyless, settle } = yield* makeListened()
      const session = changesOf([
        ["count", "1"],
        ["old", null]
      ])
      const { task } = running()
      settle(task, session, done(null))
      assert.deepStrictEqual(task.outbox, {
        records: [],
        states: [
          { task: task.id, queue: "work", key: bytes("ann"), name: "count", value: "1" },
          { task: task.id, queue: "work", key: bytes("ann"), name: "old", value: null }
        ],
        holds: []
      })
      const ofNobody = keyless()
      settle(ofNobody, session, done(null))
      assert.isNull(ofNobody.outbox)
    })
  )
})

describe("a task that is to be tried again", () => {
  it.effect("waits at the head of its mailbox as long as its policy says, and is told why", () =>
    Effect.gen(function* () {
      const { running, settle, heard, alarms, attempts } = yield* makeListened()
      const { task, box, isNextReady } = running({ attempt: 2 })
      settle(task, unchanged, retry("not\0 yet"))
      // 200 ms for the first, twice that for the second, and half of it by chance.
      assert.deepInclude(task, { state: "queued", notBefore: start + 300, reason: "not\uFFFD yet", endedAt: null })
      assert.deepStrictEqual(heard, ["row", "changed"])
      assert.deepStrictEqual(attempts(), [
        {
          task: task.id,
          number: 2,
          startedAt: start - 10,
          endedAt: start,
          outcome: "retry",
          reason: "not\uFFFD yet",
          detail: null
        }
      ])
      assert.deepStrictEqual([box.state, isNextReady()], ["waiting", false])
      assert.strictEqual(alarms[0]!.at, start + 300)
      alarms[0]!.ring()
      assert.deepStrictEqual([box.state, heard.length], ["ready", 3])
    })
  )

  it.effect("waits as long as it says itself, but to the end of the year 9999", () =>
    Effect.gen(function* () {
      const { running, settle } = yield* makeListened()
      const { task: soon } = running()
      settle(soon, unchanged, retry("soon", 1))
      assert.strictEqual(soon.notBefore, start + 1)
      const { task: never } = running()
      settle(never, unchanged, retry("never", Number.MAX_SAFE_INTEGER))
      assert.strictEqual(never.notBefore, Date.UTC(9999, 11, 31, 23, 59, 59))
    })
  )

  it.effect("is woken by its own alarm alone, and by none once its partition is another's", () =>
    Effect.gen(function* () {
      const { running, settle, alarms, heard } = yield* makeListened()
      const { task, box, owner } = running()
      settle(task, unchanged, retry("not yet", 1_000))
      const before = heard.length
      task.notBefore = start + 5_000
      alarms[0]!.ring()
      assert.deepStrictEqual([box.state, heard.length], ["waiting", before], "parked anew meanwhile")
      task.notBefore = start + 1_000
      owner.alive = false
      alarms[0]!.ring()
      assert.deepStrictEqual([box.state, heard.length], ["waiting", before], "another's by now")
      owner.alive = true
      alarms[0]!.ring()
      assert.deepStrictEqual([box.state, heard.length], ["ready", before + 1])
    })
  )

  it.effect("later by a delay does not count it, and waits a tenth of a second at least", () =>
    Effect.gen(function* () {
      const { running, settle, attempts } = yield* makeListened()
      const { task } = running({ attempt: 3 })
      settle(task, unchanged, delay("come later", start + 9_000))
      assert.deepInclude(task, { state: "queued", attempt: 2, notBefore: start + 9_000, reason: "come later" })
      assert.deepInclude(attempts()[0], { number: 3, outcome: "delay", reason: "come later" })
      const { task: past } = running()
      settle(past, unchanged, delay("come", start - 1))
      assert.strictEqual(past.notBefore, start + 100)
    })
  )
})

describe("a task that failed", () => {
  it.effect("for good, or too often, leaves a dead letter with the cause, and the next of its user goes on", () =>
    Effect.gen(function* () {
      const { running, settle, heard, attempts } = yield* makeListened()
      const { task, isNextReady } = running()
      settle(task, unchanged, fail("no\0", "because"))
      assert.deepInclude(task, { state: "failed", reason: "no\uFFFD", endedAt: start })
      const [letter, ...more] = task.outbox!.records
      assert.deepInclude(letter, { topic: "work.dlq", key: bytes("ann"), value: bytes(`{"n":5}`) })
      assert.deepInclude(letter!.headers, {
        ce_id: outputIdOf(task.id, -1),
        "x-dlq-id": "5",
        "x-dlq-task": task.id,
        "x-dlq-queue": "work",
        "x-dlq-attempts": "1",
        "kafka_dlt-exception-message": "no\0",
        "kafka_dlt-exception-stacktrace": "because",
        "kafka_dlt-original-topic": "work",
        "kafka_dlt-original-partition": "4",
        "kafka_dlt-original-offset": "5",
        "kafka_dlt-original-timestamp": "1000"
      })
      assert.deepStrictEqual([more, task.outbox!.states, task.outbox!.holds], [[], [], []])
      assert.deepInclude(attempts()[0], { number: 1, outcome: "failed", reason: "no\uFFFD", detail: `"because"` })
      assert.deepStrictEqual(heard, ["end", "ended", "changed"])
      assert.isTrue(isNextReady())
      const { task: tired } = running({ attempt: 3, startedAt: null })
      settle(tired, unchanged, retry("still not"))
      assert.deepInclude(tired, { state: "failed", reason: "still not" })
      assert.deepInclude(attempts()[1], { number: 3, outcome: "failed", detail: null, startedAt: start })
    })
  )

  it.effect("tells its detail as it is where it is text, as JSON where JSON can say it", () =>
    Effect.gen(function* () {
      const { running, settle, attempts } = yield* makeListened()
      const told = [{ code: 7 }, undefined, 1n].map((detail) => {
        const { task } = running()
        settle(task, unchanged, fail("no", detail))
        return task.outbox!.records[0]!.headers["kafka_dlt-exception-stacktrace"]
      })
      assert.deepStrictEqual(told, [`{"code":7}`, "", ""])
      assert.deepStrictEqual(
        attempts().map((row) => row?.detail),
        [`{"code":7}`, null, null]
      )
    })
  )

  it.effect("hands on what tells of it, under ids that no success would have used", () =>
    Effect.gen(function* () {
      const { running, settle } = yield* makeListened()
      const { task } = running({ flow: "f" })
      settle(task, unchanged, { ...fail("no"), outputs: [outputOf("next"), outputOf("next")] })
      assert.deepStrictEqual(
        task.outbox!.records.map(({ topic, headers }) => [topic, headers["ce_id"]]),
        [
          ["work.dlq", outputIdOf(task.id, -1)],
          ["next", outputIdOf(task.id, -2)],
          ["next", outputIdOf(task.id, -3)]
        ]
      )
      assert.strictEqual(task.emitted, 4)
    })
  )

  it.effect("holds its user's mailbox where its queue blocks, and nobody's where it has no user", () =>
    Effect.gen(function* () {
      const { running, keyless, settle, heard } = yield* makeListened({
        retry: { attempts: 1, backoffMs: 1, capMs: 1, onExhausted: "block" }
      })
      const { task, box, isNextReady } = running()
      settle(task, unchanged, retry("no"))
      assert.deepStrictEqual(holdingOf(task), [["work", `task ${task.id} failed and its queue blocks`]])
      assert.deepStrictEqual(task.outbox!.holds[0]!.key, bytes("ann"))
      assert.deepStrictEqual(heard, ["end", "ended", "changed", "blocked"])
      assert.deepStrictEqual([box.state, isNextReady()], ["held", false])
      const ofNobody = keyless()
      settle(ofNobody, unchanged, retry("no"))
      assert.deepStrictEqual(holdingOf(ofNobody), [])
      assert.deepStrictEqual(heard.slice(4), ["end", "ended", "changed"])
    })
  )

  it.effect("to be read is invalid, with a dead letter that says what is wrong with it", () =>
    Effect.gen(function* () {
      const { running, invalid, heard, attempts } = yield* makeListened()
      const { task, isNextReady } = running()
      invalid(task, "no\0 JSON")
      assert.deepInclude(task, { state: "invalid", reason: "no\uFFFD JSON", endedAt: start })
      assert.deepStrictEqual(
        task.outbox!.records.map(({ headers }) => headers["kafka_dlt-exception-message"]),
        ["no\0 JSON"]
      )
      assert.deepStrictEqual([task.outbox!.states, task.outbox!.holds, attempts()], [[], [], []])
      assert.deepStrictEqual(heard, ["end", "ended", "changed"])
      assert.isTrue(isNextReady())
    })
  )
})

describe("a task that is cancelled", () => {
  it.effect("while it runs has nothing begin behind it until that is written", () =>
    Effect.gen(function* () {
      const { running, settle, heard, attempts } = yield* makeListened()
      const { task, box, boxes, isNextReady } = running()
      settle(task, unchanged, cancel("told\0 to"))
      assert.deepInclude(task, { state: "cancelled", reason: "told\uFFFD to", endedAt: start, outbox: null })
      assert.deepInclude(attempts()[0], { number: 1, outcome: "cancelled", reason: "told\uFFFD to" })
      assert.deepStrictEqual(heard, ["end", "ended", "changed"])
      assert.isFalse(isNextReady())
      Mailboxes.unbar(boxes, box, start)
      assert.isTrue(isNextReady())
    })
  )

  it.effect("before it runs leaves its mailbox; one that is about to run stays", () =>
    Effect.gen(function* () {
      const { running, cancelQueued, heard } = yield* makeListened()
      const { task, next, box, boxes, isNextReady } = running()
      assert.isFalse(cancelQueued(task, "eve"))
      assert.deepStrictEqual([task.state, heard], ["in_progress", []])
      next.notBefore = 7
      assert.isTrue(cancelQueued(next, "e\0ve"))
      assert.deepInclude(next, {
        state: "cancelled",
        reason: "cancelled by e\uFFFDve",
        endedAt: start,
        notBefore: null
      })
      assert.deepStrictEqual(heard, ["row", "ended", "changed"])
      Mailboxes.finish(boxes, box, start)
      liveTask(task.ownership, 7)
      assert.isFalse(isNextReady(), "until it is written, nothing begins behind it")
      Mailboxes.unbar(boxes, box, start)
      assert.isTrue(isNextReady())
    })
  )

  it.effect("in the journal alone has nothing of its mailbox begin until that is written", () =>
    Effect.gen(function* () {
      const { running, cancelQueued } = yield* makeListened()
      const { task, next, box, boxes, isNextReady } = running()
      Mailboxes.finish(boxes, task.box, start)
      assert.isTrue(cancelQueued({ ...next, id: "behind", spilled: true }, "eve"))
      assert.isFalse(isNextReady())
      Mailboxes.unbar(boxes, box, start)
      assert.isTrue(isNextReady())
    })
  )
})
