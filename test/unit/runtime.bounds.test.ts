/** Limits: what runs at a time, what is kept in memory, who goes first, and who is not held up by whom. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { delay } from "../../src/domain/Outcome.ts"
import * as Fifo from "../../src/runtime/Fifo.ts"
import { bytes } from "../support/journalRows.ts"
import { actorOf, makeObserver, makeWorld, pass } from "../support/runtimeWorld.ts"
import type { RunningWorker } from "../support/runtimeWorld.ts"

const bounds = { mailbox: 4, waiting: 2, ready: 100, bytes: 1_000_000 }
const upTo = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i)

/** Tasks that stand in mailboxes. */
const inMemory = ({ worker }: RunningWorker) => {
  let tasks = 0
  for (const lane of worker.lanes) for (const box of lane.boxes.bySlot.values()) tasks += Fifo.size(box.tasks)
  return tasks
}

describe("a worker", () => {
  it.effect(
    "runs no more tasks of a queue at a time than it may, and no more of all queues than the process has slots",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        const [one, two] = [makeObserver(), makeObserver()]
        yield* world.start(
          [
            actorOf(({ n }) => one.around(String(n), Effect.sleep("1 second")), { concurrency: 5 }),
            actorOf(({ n }) => two.around(String(n), Effect.sleep("1 second")), { name: "other" })
          ],
          { slots: 12 }
        )
        for (const user of upTo(40)) yield* world.post(`user${user}`, [1])
        yield* pass(500)
        assert.strictEqual(one.running(), 5)
        assert.strictEqual(two.running(), 7)
        yield* pass(20_000)
        assert.strictEqual(one.most(), 5)
        assert.isAtMost(two.most(), 12)
        assert.deepStrictEqual(world.states(), { succeeded: 80 })
      })
  )

  it.effect("starts no more tasks per time than the rate allows, and loses none", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const starts: Array<number> = []
      let now = 0
      yield* world.start([actorOf(() => Effect.sync(() => starts.push(now)), { rate: { count: 10, perMs: 1_000 } })])
      for (const user of upTo(50)) yield* world.post(`user${user}`, [1])
      for (; now < 6_000; now += 50) yield* pass(50)
      assert.strictEqual(starts.length, 50)
      for (const [i, at] of starts.entries()) assert.isAtMost(i + 1, 10 + (at + 50) / 100)
      assert.isAtMost(starts.at(-1)!, 4_200)
    })
  )

  it.effect("serves users in turn: one with many tasks does not hold up one with few", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen: Array<string> = []
      yield* world.start([
        actorOf(
          (_, task) =>
            Effect.andThen(
              Effect.sync(() => seen.push(task.user)),
              Effect.sleep("10 millis")
            ),
          { concurrency: 1 }
        )
      ])
      yield* world.post("noisy", upTo(500))
      yield* pass(100)
      yield* world.post("quiet", upTo(3))
      yield* pass(200)
      assert.strictEqual(seen.filter((user) => user === "quiet").length, 3)
    })
  )

  it.effect("starts what is urgent first, and lets what is not urgent come when it has waited long enough", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen: Array<string> = []
      yield* world.start([
        actorOf(
          (_, task) =>
            Effect.andThen(
              Effect.sync(() => seen.push(task.user)),
              Effect.sleep("500 millis")
            ),
          { concurrency: 1 }
        )
      ])
      yield* world.post("first", [1])
      yield* pass(100)
      assert.deepStrictEqual(seen, ["first"])
      yield* world.post("low", [1], { headers: { ce_priority: "low" } })
      for (const user of upTo(5)) yield* world.post(`high${user}`, [1], { headers: { ce_priority: "high" } })
      for (const round of upTo(30)) {
        yield* pass(500)
        yield* world.post(`more${round}`, [1], { headers: { ce_priority: "high" } })
      }
      // Which of the five comes first is left to the order in which their partitions are read.
      assert.sameMembers(
        seen.slice(1, 6),
        upTo(5).map((user) => `high${user}`)
      )
      const turn = seen.indexOf("low")
      assert.isTrue(turn > 9 && turn < seen.length - 1, `came as number ${turn} of ${seen.length}`)
    })
  )

  it.effect("gives the slots of the process to the queue of higher priority first", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen: Array<string> = []
      const handler = (_: unknown, task: { readonly queue: string }) =>
        Effect.andThen(
          Effect.sync(() => seen.push(task.queue)),
          Effect.sleep("10 millis")
        )
      yield* world.start(
        [actorOf(handler, { priority: "low" }), actorOf(handler, { name: "urgent", priority: "high" })],
        { slots: 1 }
      )
      for (const user of upTo(5)) yield* world.post(`user${user}`, [1])
      yield* pass(200)
      assert.deepStrictEqual(seen.slice(1, 5), ["urgent", "urgent", "urgent", "urgent"])
      assert.strictEqual(seen.length, 10)
    })
  )

  it.effect("keeps a mailbox's tasks beyond its bound in the journal, and runs them all in order", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen: Array<number> = []
      const worker = yield* world.start(
        [
          actorOf(({ n }) =>
            Effect.andThen(
              Effect.sync(() => seen.push(n)),
              Effect.sleep("10 millis")
            )
          )
        ],
        { bounds }
      )
      yield* world.post("ann", upTo(300))
      yield* pass(5)
      assert.isAtMost(inMemory(worker), bounds.mailbox)
      for (const n of upTo(200, 300)) {
        yield* world.post("ann", [n])
        yield* pass(7)
      }
      assert.isAtMost(inMemory(worker), bounds.mailbox + bounds.waiting)
      yield* pass(10_000)
      assert.deepStrictEqual(seen, upTo(500))
      assert.deepStrictEqual(world.states(), { succeeded: 500 })
      assert.strictEqual(inMemory(worker), 0)
      assert.strictEqual(worker.worker.lanes[0]!.boxes.bySlot.size, 0)
    })
  )

  it.effect("forgets no task that is left to the journal while the mailbox is being loaded", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen: Array<number> = []
      yield* world.start(
        [
          actorOf(({ n }) =>
            Effect.andThen(
              Effect.sync(() => seen.push(n)),
              Effect.sleep("20 millis")
            )
          )
        ],
        { bounds }
      )
      world.journalFaults.slow("backlog", "there", Effect.sleep("50 millis"))
      world.journalFaults.slow("commit", "back", Effect.sleep("30 millis"))
      // Bursts that just spill, at ever other moments of the loading.
      let n = 0
      for (const round of upTo(120)) {
        for (const _ of upTo(5 + (round % 4))) yield* world.post("ann", [n++])
        yield* pass(20 + ((round * 37) % 160))
      }
      yield* pass(20_000)
      assert.deepStrictEqual(seen, upTo(n))
    })
  )

  it.effect("drops a duplicate that is looked up while its task ends", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([actorOf(({ n }) => seen.around(String(n), Effect.sleep("100 millis")))])
      yield* world.post("ann", [1])
      yield* pass(50)
      world.journalFaults.slow("known", "back", Effect.sleep("200 millis"))
      yield* world.post("ann", [1])
      yield* pass(2_000)
      assert.deepStrictEqual(seen.lines, ["+1", "-1"])
    })
  )

  it.effect("stops reading when enough is ready, and goes on when half of it is done", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      let most = 0
      const worker = yield* world.start([actorOf(() => Effect.sleep("100 millis"), { concurrency: 50 })], {
        bounds: { ...bounds, mailbox: 1_000 }
      })
      for (const n of upTo(50)) for (const user of upTo(60)) yield* world.post(`user${user}`, [n])
      for (let i = 0; i < 250; i++) {
        yield* pass(50)
        most = Math.max(most, inMemory(worker))
      }
      // One fetch that was under way when it filled up comes on top.
      assert.isAtMost(most, bounds.ready + 2 * 500)
      assert.deepStrictEqual(world.states(), { succeeded: 3_000 })
    })
  )

  it.effect("takes the partitions it is given while it is full without reading beyond its bound", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const actor = actorOf(() => Effect.never, { partitions: 8, concurrency: 4 })
      const options = { bounds: { ...bounds, mailbox: 10_000 }, drainMs: 100 }
      const other = yield* world.start([actor], options)
      const worker = yield* world.start([actor], options)
      for (const user of upTo(400)) yield* world.post(`user${user}`, upTo(10))
      yield* pass(300)
      const before = inMemory(worker)
      assert.isTrue(worker.worker.lanes[0]!.full)
      yield* other.crash
      yield* pass(5_000)
      assert.strictEqual(worker.worker.lanes[0]!.owned.size, 8)
      assert.isAtMost(inMemory(worker), before + 500)
    })
  )

  it.effect("is not held up by ten thousand users whose tasks wait", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen: Array<string> = []
      yield* world.start(
        [
          actorOf(
            (_, task) =>
              Effect.gen(function* () {
                seen.push(task.user)
                const now = yield* Clock.currentTimeMillis
                return task.user.startsWith("parked") ? delay("rate", now + 60_000) : null
              }),
            { concurrency: 10 }
          )
        ],
        { bounds }
      )
      for (const part of upTo(100)) {
        yield* world.broker.append(
          upTo(100).map((i) => ({
            topic: "work",
            key: bytes(`parked${part * 100 + i}`),
            value: bytes(`{"n":1}`),
            headers: {}
          }))
        )
      }
      yield* pass(5_000)
      assert.strictEqual(seen.length, 10_000)
      yield* world.post("ann", [1, 2])
      yield* pass(100)
      assert.strictEqual(world.stateOf("ann", 2), "succeeded")
      assert.strictEqual(world.tables.tasks.size, 10_002)
      yield* pass(50_000)
      assert.strictEqual(seen.length, 10_002)
      yield* pass(10_000)
      assert.strictEqual(seen.length, 20_002)
    })
  )

  it.effect("does not spin on a Delay that is over already", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      let starts = 0
      yield* world.start([actorOf(() => Effect.sync(() => (starts++, delay("rate", 0))))])
      yield* world.post("ann", [1])
      yield* pass(10_000)
      assert.isAtMost(starts, 101)
      assert.isAtLeast(starts, 50)
    })
  )

  it.effect("is not held up by a thousand tasks of one paused user", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      yield* world.journal.pauseKey(bytes("paused"), true, "eve")
      yield* world.start([actorOf(() => Effect.void)], { bounds })
      yield* world.post("paused", upTo(1_000))
      yield* world.post("ann", [1])
      yield* pass(1_000)
      assert.strictEqual(world.stateOf("ann", 1), "succeeded")
      yield* world.journal.pauseKey(bytes("paused"), false, "eve")
      yield* pass(5_000)
      assert.deepStrictEqual(world.states(), { succeeded: 1_001 })
    })
  )
})
