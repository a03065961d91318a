/** What is written of what a flush has taken: only what is still owned, and in halves where a whole is refused. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { LiveTask, Ownership, Outbox } from "../../src/runtime/Lane.ts"
import { rowOf } from "../../src/runtime/LiveTask.ts"
import { batchOf, halvesOf, refusedOf, refusedOutbox, weightOf } from "../../src/runtime/Taken.ts"
import type { Item, Owned, Taken } from "../../src/runtime/Taken.ts"
import { bytes } from "../support/journalRows.ts"
import { handedOn, laneOf, liveTask, ownershipOf } from "../support/liveTasks.ts"

const outboxOf = (task: LiveTask): Outbox => ({
  records: [handedOn(task.offset)],
  states: [{ task: task.id, queue: "work", key: bytes("ann"), name: "count", value: String(task.offset) }],
  holds: [{ queue: "work", key: bytes("ann"), reason: task.id }]
})

/** One item of every kind, told apart by `task`. */
const itemsOf = (ownership: Ownership, task: string): ReadonlyArray<Owned> => {
  const items: ReadonlyArray<Item> = [
    {
      kind: "attempt",
      row: { task, number: 1, startedAt: 0, endedAt: 1, outcome: "retry", reason: null, detail: null }
    },
    { kind: "step", row: { task, name: "call", result: "1", at: 1 } },
    { kind: "log", row: { task, seq: 1, at: 1, level: "info", message: "hello" } },
    { kind: "skip", row: { flow: "f", task, offset: 1 } }
  ]
  return items.map((item) => ({ ownership, item }))
}

const takenOf = (parts: Partial<Taken>): Taken => ({
  number: 1,
  tasks: [],
  items: [],
  commands: [],
  positions: new Set(),
  waiters: [],
  isWhole: true,
  ...parts
})

/** A numbering that goes on from 100. */
const numbering = () => {
  let last = 100
  return () => ++last
}

describe("the weight of what is taken", () => {
  it("is that of everything that may be long", () => {
    const owner = ownershipOf()
    const task = liveTask(owner, 1)
    const row = { ...rowOf(task), record: null }
    const weighs = (parts: Partial<Taken>, weight: number) => assert.strictEqual(weightOf(takenOf(parts)), weight)
    const record = { key: null, value: bytes("123"), headers: { ab: "c" } }
    weighs({}, 0)
    weighs({ tasks: [[task, row, null]] }, 0)
    weighs({ tasks: [[task, { ...row, result: "1234", progress: "12", record }, null]] }, 18)
    const outbox = {
      records: [
        { ...record, topic: "next" },
        { ...record, value: null, topic: "next" }
      ],
      states: ["12345", null].map((value) => ({ task: "t", queue: "work", key: bytes("ann"), name: "n", value })),
      holds: []
    }
    weighs({ tasks: [[task, row, outbox]] }, 26)
    // A result of one, a line of five, and a reason without details.
    weighs({ items: itemsOf(owner, "t") }, 6)
    const detailed = { task: "t", number: 1, startedAt: 0, endedAt: 1, outcome: "retry", reason: null, detail: "123" }
    weighs({ items: [{ ownership: owner, item: { kind: "attempt", row: detailed } }] }, 3)
  })
})

describe("what is written", () => {
  it("is everything of a partition that is owned, and nothing of one that was lost meanwhile", () => {
    const lane = laneOf()
    const [mine, lost] = [1, 2].map((partition) => ownershipOf(lane, { partition, epoch: 7 })) as [Ownership, Ownership]
    const [own, foreign, plain] = [liveTask(mine, 4), liveTask(lost, 5), liveTask(mine, 6)]
    mine.mark.next = 9
    const taken = takenOf({
      number: 3,
      tasks: [
        [foreign, rowOf(foreign), outboxOf(foreign)],
        [own, rowOf(own), outboxOf(own)],
        [plain, rowOf(plain), null]
      ],
      items: [...itemsOf(lost, "foreign"), ...itemsOf(mine, "own")],
      positions: new Set([lost, mine]),
      commands: [
        { command: 1, by: lost },
        { command: 2, by: mine },
        { command: 3, by: null }
      ]
    })
    lost.alive = false
    const { batch, outputs } = batchOf(taken)
    const [attempt, step, log, skip] = itemsOf(mine, "own").map(({ item }) => item.row)
    assert.deepStrictEqual<unknown>(batch, {
      number: 3,
      positions: [{ queue: "work", partition: 1, epoch: 7, nextOffset: 9 }],
      tasks: [rowOf(own), rowOf(plain)],
      attempts: [attempt],
      steps: [step],
      logs: [log],
      states: outboxOf(own).states,
      holds: outboxOf(own).holds,
      skips: [skip],
      commands: [2, 3]
    })
    assert.deepStrictEqual(outputs, [handedOn(4)])
  })
})

describe("halves", () => {
  it("hold everything once and in order, with the commands and the position in the second, until each holds one", () => {
    fc.assert(
      fc.property(fc.nat({ max: 20 }), fc.nat({ max: 20 }), (taskCount, itemCount) => {
        const number = numbering()
        const ownership = ownershipOf()
        const tasks = Array.from({ length: taskCount }, (_, offset) => liveTask(ownership, offset))
        ownership.mark.next = taskCount + 1
        const whole = takenOf({
          tasks: tasks.map((task) => [task, rowOf(task), null]),
          items: Array.from({ length: itemCount }, (_, n) => itemsOf(ownership, String(n))[0]!),
          commands: [{ command: 1, by: ownership }],
          positions: new Set([ownership])
        })
        const parts: Array<Taken> = []
        const split = (taken: Taken) => {
          if (taken.tasks.length + taken.items.length <= 1) return void parts.push(taken)
          for (const half of halvesOf(taken, number)) {
            assert.isBelow(half.tasks.length + half.items.length, taken.tasks.length + taken.items.length)
            split(half)
          }
        }
        split(whole)
        assert.deepStrictEqual(
          parts.flatMap((part) => part.tasks),
          whole.tasks
        )
        assert.deepStrictEqual(
          parts.flatMap((part) => part.items),
          whole.items
        )
        assert.strictEqual(new Set(parts.map((part) => part.number)).size, parts.length)
        const batches = parts.map((part) => batchOf(part).batch)
        assert.deepStrictEqual(
          batches.map(({ positions, commands }) => [positions[0]!.nextOffset, commands.length]),
          batches.map((_, n) => (n === batches.length - 1 ? [taskCount + 1, 1] : [0, 0]))
        )
      })
    )
  })

  it("are about as large as each other", () => {
    const ownership = ownershipOf()
    const tasks = Array.from({ length: 9 }, (_, offset) => liveTask(ownership, offset))
    const [first, second] = halvesOf(
      takenOf({ tasks: tasks.map((task) => [task, rowOf(task), null]), items: itemsOf(ownership, "a") }),
      numbering()
    )
    assert.deepStrictEqual(
      [first, second].map((half) => [half.tasks.length, half.items.length]),
      [
        [5, 2],
        [4, 2]
      ]
    )
  })
})

describe("a task whose row is refused", () => {
  it("is written as a failure that says why, in a thousand characters at most, and hands nothing on", () => {
    const task = liveTask(ownershipOf(), 4, { state: "succeeded", result: "1", progress: "2" })
    const [same, row, outbox] = refusedOf([task, rowOf(task), outboxOf(task)], "no such topic".padEnd(2_000, "!"))
    assert.strictEqual(same, task)
    assert.deepStrictEqual(row, {
      ...rowOf(task),
      state: "failed",
      reason: "its end could not be stored: no such topic".padEnd(1_000, "!"),
      result: null,
      progress: null
    })
    assert.strictEqual(outbox, refusedOutbox)
    const { batch, outputs } = batchOf(takenOf({ tasks: [[same, row, outbox]] }))
    assert.deepStrictEqual([outputs, batch.states, batch.holds], [[], [], []])
  })
})
