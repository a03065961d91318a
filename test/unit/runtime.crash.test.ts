/** Ends of workers, in order and without a word, and what the next one makes of them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { done } from "../../src/domain/Outcome.ts"
import { bytes } from "../support/journalRows.ts"
import { actorOf, makeObserver, makeWorld, pass, topicOf } from "../support/runtimeWorld.ts"

const upTo = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i)

/** The numbers of a user's starts, in order, without repeats of what was started before. */
const firstStarts = (lines: ReadonlyArray<string>, user: string) => {
  const seen: Array<number> = []
  for (const line of lines) {
    const [, who, n] = /^\+(\D+)(\d+)$/.exec(line) ?? []
    if (who === user && !seen.includes(Number(n))) seen.push(Number(n))
  }
  return seen
}

describe("a worker that ends in order", () => {
  it.effect("lets what runs finish, starts nothing more, and the next one goes on without a repeat", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      const actor = actorOf(({ n }, task) => seen.around(`${task.user}${n}`, Effect.sleep("2500 millis")))
      const first = yield* world.start([actor])
      for (const user of ["ann", "bob"]) yield* world.post(user, [1, 2, 3])
      yield* pass(2_600)
      // Longer than from one look at the controls to the next.
      const stopping = yield* Effect.forkChild(first.stop)
      yield* pass(6_000)
      assert.isDefined(stopping.pollUnsafe())
      assert.deepStrictEqual(seen.lines.slice(-2), ["-ann2", "-bob2"])
      assert.isTrue(world.tables.assignments.get("work/0")!.clean)
      yield* world.start([actor])
      yield* pass(6_000)
      assert.deepStrictEqual(seen.lines.slice(-4), ["+ann3", "+bob3", "-ann3", "-bob3"])
      assert.strictEqual(seen.lines.length, 12)
    })
  )

  it.effect("interrupts what does not finish in the time of the drain, and that attempt does not count", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const attempts: Array<number> = []
      const actor = actorOf((_, task) =>
        Effect.andThen(
          Effect.sync(() => attempts.push(task.attempt)),
          attempts.length > 0 ? Effect.void : Effect.never
        )
      )
      const first = yield* world.start([actor], { drainMs: 2_000 })
      yield* world.post("ann", [1])
      yield* pass(500)
      yield* Effect.forkChild(first.stop)
      yield* pass(1_900)
      assert.isFalse(world.tables.assignments.get("work/0")!.clean)
      yield* pass(500)
      assert.isTrue(world.tables.assignments.get("work/0")!.clean)
      yield* world.start([actor])
      yield* pass(500)
      assert.deepStrictEqual(attempts, [1, 1])
      assert.deepInclude(world.task("ann", 1), { state: "succeeded", attempt: 1, crashes: 0 })
    })
  )
})

describe("after a worker has crashed", () => {
  it.effect("the next one finishes everything in order, and repeats at most what was running or not yet written", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      const actor = actorOf(({ n }, task) => seen.around(`${task.user}${n}`, Effect.sleep("70 millis")), {
        partitions: 4
      })
      const users = ["ann", "bob", "cid", "dan", "eve"]
      for (const user of users)
        yield* world.broker
          .ensureTopics([{ name: "work", partitions: 4, retentionMs: 1 }])
          .pipe(Effect.andThen(world.post(user, upTo(20))))
      for (const _ of upTo(6)) {
        const worker = yield* world.start([actor])
        yield* pass(250)
        yield* worker.crash
      }
      yield* world.start([actor])
      yield* pass(5_000)
      assert.deepStrictEqual(world.states(), { succeeded: 100 })
      for (const user of users) assert.deepStrictEqual(firstStarts(seen.lines, user), upTo(20))
      const starts = seen.lines.filter((line) => line.startsWith("+")).length
      // Per crash at most one running task of each user; what had ended was written at once.
      assert.isAtMost(starts, 100 + 6 * users.length)
    })
  )

  it.effect("attempts that were used before it count after it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const attempts: Array<number> = []
      const actor = actorOf(
        (_, task) =>
          Effect.andThen(
            Effect.sync(() => attempts.push(task.attempt)),
            Effect.fail("no")
          ),
        {
          retry: { attempts: 4, backoffMs: 1_000, capMs: 1_000 }
        }
      )
      yield* world.broker.ensureTopics([{ name: "work", partitions: 1, retentionMs: 1 }])
      yield* world.post("ann", [1])
      for (const _ of upTo(4)) {
        const worker = yield* world.start([actor])
        yield* pass(1_100)
        yield* worker.crash
      }
      yield* world.start([actor])
      yield* pass(10_000)
      assert.deepStrictEqual(attempts, [1, 2, 3, 4])
      assert.deepInclude(world.task("ann", 1), { state: "failed", attempt: 4 })
    })
  )

  it.effect("steps are not called again, states have changed once, outputs have the ids they had", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      let calls = 0
      const actor = actorOf((_, task) =>
        Effect.gen(function* () {
          const count = (yield* task.getState<number>("count")) ?? 0
          yield* task.setState("count", count + 1)
          yield* task.step(
            "call",
            Effect.sync(() => ++calls)
          )
          yield* Effect.sleep("500 millis")
          return done(null, [{ topic: "next", key: bytes("ann"), value: bytes(`{"n":1}`), type: "test" }])
        })
      )
      const seen = makeObserver()
      const reader = actorOf(({ n }) => seen.around(String(n), Effect.void), { name: "reader", topic: topicOf("next") })
      const first = yield* world.start([actor, reader])
      yield* world.post("ann", [1])
      yield* pass(300)
      yield* first.crash
      const second = yield* world.start([actor, reader])
      yield* pass(200)
      yield* second.crash
      yield* world.start([actor, reader])
      yield* pass(2_000)
      assert.strictEqual(calls, 1)
      assert.strictEqual((yield* world.journal.states("work", bytes("ann"))).get("count"), "1")
      assert.deepStrictEqual(seen.lines, ["+1", "-1"])
    })
  )

  it.effect("every later owner tells its handlers a higher epoch, and where their records stand", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const told: Array<readonly [partition: number, offset: number, epoch: number]> = []
      const actor = actorOf((_, task) =>
        Effect.sync(() => void told.push([task.partition, task.offset, task.epoch] as const))
      )
      const first = yield* world.start([actor])
      yield* world.post("ann", [1, 2])
      yield* pass(500)
      yield* first.crash
      yield* world.start([actor])
      yield* world.post("ann", [3])
      yield* pass(5_000)
      assert.deepStrictEqual(told.slice(0, 2), [
        [0, 0, 1],
        [0, 1, 1]
      ])
      assert.deepStrictEqual(told.at(-1), [0, 2, 2])
    })
  )

  it.effect("its late writes are refused, and it stops what it runs", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      const worker = yield* world.start([
        actorOf(({ n }, task) =>
          seen.around(`${task.user}${n}`, Effect.sleep(task.user === "ann" ? "1 second" : "1 hour"))
        )
      ])
      yield* world.post("ann", [1, 2])
      yield* world.post("bob", [1])
      yield* pass(500)
      yield* world.journal.lease({ queue: "work", partition: 0, owner: "another" })
      yield* pass(1_000)
      assert.notStrictEqual(world.stateOf("ann", 1), "succeeded")
      assert.strictEqual(worker.worker.lanes[0]!.owned.size, 0)
      assert.strictEqual(seen.running(), 0)
      assert.include(seen.lines, "!bob1")
      // Nobody else has it, by the broker: without it being taken back it would stand still for ever.
      yield* pass(5_000)
      assert.strictEqual(worker.worker.lanes[0]!.owned.size, 1)
      assert.deepStrictEqual([world.stateOf("ann", 1), world.stateOf("ann", 2)], ["succeeded", "succeeded"])
    })
  )

  it.effect("what it had written down does not overtake what it had only in memory", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      const actor = actorOf(({ n }, task) => seen.around(`${task.user}${n}`, Effect.sleep("20 millis")), {
        partitions: 1
      })
      // A mailbox of two: the other tasks of the user get a row at once, the first two have none yet.
      const bounds = { mailbox: 2, waiting: 1, ready: 1_000, bytes: 1_000_000 }
      const first = yield* world.start([actor], { bounds })
      yield* world.post("ann", upTo(10, 1))
      yield* pass(15)
      yield* first.crash
      yield* world.start([actor], { bounds })
      yield* pass(2_000)
      assert.deepStrictEqual(firstStarts(seen.lines, "ann"), upTo(10, 1))
    })
  )

  it.effect("a task that takes every worker with it is run alone and then failed, and the others are done", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const beside: Array<number> = []
      let running = 0
      let starts = 0
      const actor = actorOf(
        (_, task) =>
          Effect.gen(function* () {
            running++
            if (task.user === "poison") {
              starts++
              beside.push(running)
              return yield* Effect.never
            }
            yield* Effect.sleep("10 millis")
          }).pipe(Effect.ensuring(Effect.sync(() => running--))),
        { partitions: 1 }
      )
      yield* world.broker.ensureTopics([{ name: "work", partitions: 1, retentionMs: 1 }])
      yield* world.post("poison", [1, 2])
      for (const user of upTo(20)) yield* world.post(`user${user}`, upTo(5))
      for (const _ of upTo(9)) {
        const before = starts
        const worker = yield* world.start([actor])
        for (let i = 0; i < 200; i++) {
          if (starts > before) break
          yield* pass(10)
        }
        yield* pass(5)
        if (world.stateOf("poison", 1) === "failed") break
        yield* worker.crash
      }
      // The poison's other task, which never ends, has to make way for it, and at last uses its time.
      yield* pass(70_000)
      assert.deepInclude(world.task("poison", 1), { state: "failed", reason: "crashed the worker" })
      assert.isAtLeast(beside.filter((count) => count === 1).length, 2, "it ran alone twice at last")
      assert.isAtMost(starts, 9)
      assert.strictEqual([...world.tables.tasks.values()].filter((task) => task.state === "succeeded").length, 100)
      assert.strictEqual((yield* world.contents("work.dlq")).length, 1)
    })
  )
})

describe("a worker that was not heard of for as long as a session lasts", () => {
  it.effect("starts nothing before it knows what it still holds", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      yield* world.start([actorOf(({ n }, task) => seen.around(`${task.user}${n}`, Effect.void))])
      yield* pass(500)
      world.brokerFaults.leaveUnsure(true)
      yield* world.post("ann", [1, 2])
      yield* pass(5_000)
      assert.deepStrictEqual(seen.lines, [])
      world.brokerFaults.leaveUnsure(false)
      yield* pass(500)
      assert.deepStrictEqual(seen.lines, ["+ann1", "-ann1", "+ann2", "-ann2"])
    })
  )
})

describe("a task that is to run alone", () => {
  it.effect("does not wait for one that takes long, which is put back and runs after it, as if it had not begun", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const attempts: Array<string> = []
      const actor = actorOf(
        (_, task) => {
          attempts.push(`${task.user} ${task.attempt}`)
          return Effect.sleep(task.user === "long" ? "50 seconds" : "1 second")
        },
        { partitions: 1 }
      )
      yield* world.broker.ensureTopics([{ name: "work", partitions: 1, retentionMs: 1 }])
      yield* world.post("suspect", [1])
      for (const _ of upTo(4)) {
        const worker = yield* world.start([actor])
        yield* pass(100)
        yield* worker.crash
      }
      assert.isAtLeast(world.task("suspect", 1)!.crashes, 2)
      yield* world.journal.pauseKey(bytes("suspect"), true, "eve")
      yield* world.start([actor])
      yield* world.post("long", [1])
      yield* pass(2_000)
      assert.strictEqual(attempts.at(-1), "long 1")
      yield* world.journal.pauseKey(bytes("suspect"), false, "eve")
      yield* pass(8_000)
      assert.deepInclude(world.task("suspect", 1), { state: "succeeded" })
      assert.deepStrictEqual(attempts.slice(-2), ["suspect 1", "long 1"])
      yield* pass(50_000)
      assert.deepInclude(world.task("long", 1), { state: "succeeded", attempt: 1, crashes: 0 })
    })
  )
})

describe("while the journal does not answer", () => {
  it.effect("nothing is lost and nothing is written twice, before it took effect or after", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const [seen, next] = [makeObserver(), makeObserver()]
      const actor = actorOf(({ n }, task) =>
        seen.around(
          `${task.user}${n}`,
          Effect.succeed(done(n, [{ topic: "next", key: bytes(task.user), value: bytes(`{"n":${n}}`), type: "test" }]))
        )
      )
      const reader = actorOf(({ n }, task) => next.around(`${task.user}${n}`, Effect.void), {
        name: "reader",
        topic: topicOf("next")
      })
      yield* world.start([actor, reader])
      for (const round of upTo(10)) {
        world.journalFaults.failCommits(2, round % 2 === 0)
        world.brokerFaults.failAppends(1, false)
        yield* world.post("ann", [round]).pipe(Effect.retry({ times: 3 }))
        yield* world.post("bob", [round])
        yield* pass(500)
      }
      yield* pass(20_000)
      assert.deepStrictEqual(world.states(), { succeeded: 40 })
      for (const observer of [seen, next]) {
        for (const user of ["ann", "bob"]) {
          assert.deepStrictEqual(
            observer.lines.filter((line) => line.startsWith(`+${user}`)),
            upTo(10).map((n) => `+${user}${n}`)
          )
        }
      }
    })
  )

  it.effect("a worker that ends meanwhile waits for it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const worker = yield* world.start([actorOf(() => Effect.void)])
      world.journalFaults.failCommits(10)
      yield* world.post("ann", [1])
      yield* pass(50)
      yield* Effect.forkChild(worker.stop)
      yield* pass(30_000)
      assert.strictEqual(world.stateOf("ann", 1), "succeeded")
      assert.isTrue(world.tables.assignments.get("work/0")!.clean)
    })
  )
})

describe("two workers", () => {
  it.effect("share the partitions, and every task runs once and in order while they come and go", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen = makeObserver()
      const actor = actorOf(({ n }, task) => seen.around(`${task.user}${n}`, Effect.sleep("50 millis")), {
        partitions: 6
      })
      const users = ["ann", "bob", "cid", "dan", "eve", "fay", "gus"]
      const first = yield* world.start([actor])
      for (const user of users) yield* world.post(user, upTo(40))
      yield* pass(300)
      const second = yield* world.start([actor])
      yield* pass(300)
      const third = yield* world.start([actor])
      yield* pass(300)
      assert.isAtMost(first.worker.lanes[0]!.owned.size, 3)
      yield* Effect.forkChild(first.stop)
      yield* pass(300)
      yield* Effect.forkChild(second.stop)
      yield* pass(5_000)
      assert.strictEqual(third.worker.lanes[0]!.owned.size, 6)
      assert.deepStrictEqual(world.states(), { succeeded: 280 })
      for (const user of users) {
        assert.deepStrictEqual(
          seen.lines.filter((line) => line.slice(1).startsWith(user)),
          upTo(40).flatMap((n) => [`+${user}${n}`, `-${user}${n}`])
        )
      }
    })
  )

  it.effect("go on at once with what the journal kept of the one that died", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      let isStuck = true
      const actor = actorOf(() => Effect.suspend(() => (isStuck ? Effect.never : Effect.void)))
      const workers = [yield* world.start([actor]), yield* world.start([actor])]
      yield* pass(100)
      yield* world.post("ann", [1])
      yield* pass(500)
      isStuck = false
      yield* workers.find(({ worker }) => worker.lanes[0]!.owned.size > 0)!.crash
      // Sooner than the next look at the controls, which would start it too.
      yield* pass(100)
      assert.strictEqual(world.stateOf("ann", 1), "succeeded")
    })
  )

  it.effect("tick a schedule once", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const seen: Array<string> = []
      const actor = actorOf((_, task) =>
        Effect.sync(() => seen.push(`${task.user} ${task.type} ${task.headers["ce_time"]}`))
      )
      yield* world.start([actor])
      yield* world.start([actor])
      yield* world.journal.putSchedule({
        id: "every-second",
        topic: "work",
        user: "ann",
        type: "tick",
        data: `{"n":1}`,
        misfire: "all",
        paused: false,
        lastAt: null,
        timing: { kind: "every", everyMs: 1_000, from: 0 },
        nextAt: 1_000
      })
      yield* pass(5_300)
      assert.deepStrictEqual(
        seen,
        upTo(5, 1).map((second) => `ann tick 1970-01-01T00:00:0${second}.000Z`)
      )
    })
  )
})
