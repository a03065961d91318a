/**
 * What every journal promises its owners, in one text for all of them. Each
 * test has queues of its own, so the order of the tests does not matter.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import type { Layer } from "effect"
import { uuidOf } from "../../src/domain/ids.ts"
import { Journal } from "../../src/journal/Journal.ts"
import { freshQueue } from "../support/freshQueue.ts"
import { batchOf, bytes, succeeded, taskRow } from "../support/journalRows.ts"

export const journalContract = (name: string, journalLayer: Layer.Layer<Journal>): void =>
  layer(journalLayer, { excludeTestServices: true, timeout: "60 seconds" })(name, (it) => {
    it.effect("a first lease starts at epoch 1, offset 0, clean", () =>
      Effect.gen(function* () {
        const { journal, queue } = yield* freshQueue(0)
        const lease = yield* journal.lease({ queue, partition: 3, owner: "me" })
        assert.deepStrictEqual(lease, { epoch: 1, nextOffset: 0, clean: true })
      })
    )

    it.effect("a queue that nobody registered has no leases", () =>
      Effect.gen(function* () {
        const journal = yield* Journal
        const error = yield* Effect.flip(journal.lease({ queue: "nobody's", partition: 0, owner: "me" }))
        assert.isFalse(error.isRetryable)
      })
    )

    it.effect("each lease has a higher epoch and goes on where the one before was journalled", () =>
      Effect.gen(function* () {
        const { journal, queue, position, write } = yield* freshQueue()
        yield* write({ positions: [position(0, 7)] })
        const second = yield* journal.lease({ queue, partition: 0, owner: "second" })
        assert.deepStrictEqual(second, { epoch: 2, nextOffset: 7, clean: false })
      })
    )

    it.effect("leases that are taken at the same time all have their own epoch", () =>
      Effect.gen(function* () {
        const { journal, queue } = yield* freshQueue()
        const all = yield* Effect.forEach(
          Array.from({ length: 12 }, (_, i) => `o${i}`),
          (owner) => journal.lease({ queue, partition: 0, owner }),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          all.map((lease) => lease.epoch).sort((a, b) => a - b),
          Array.from({ length: 12 }, (_, i) => i + 2)
        )
      })
    )

    it.effect("a release with the newest epoch makes the next lease clean, with an old one it changes nothing", () =>
      Effect.gen(function* () {
        const { journal, queue } = yield* freshQueue()
        yield* journal.release({ queue, partition: 0, epoch: 1 })
        assert.isTrue((yield* journal.lease({ queue, partition: 0, owner: "b" })).clean)
        yield* journal.release({ queue, partition: 0, epoch: 1 })
        assert.isFalse((yield* journal.lease({ queue, partition: 0, owner: "c" })).clean)
      })
    )

    it.effect("a writer whose epoch is old is refused and named, and nothing of its batch is written", () =>
      Effect.gen(function* () {
        const { journal, queue, position, write } = yield* freshQueue(3)
        yield* journal.lease({ queue, partition: 1, owner: "second" })
        const tasks = [taskRow({ queue, offset: 0 }), taskRow({ queue, partition: 1, offset: 0 })]
        let ran = 0
        const stale = yield* write(
          {
            positions: [position(0, 1), position(1, 1), position(2, 1)],
            tasks,
            states: [{ task: tasks[0]!.id, queue, key: bytes("k"), name: "a", value: "1" }]
          },
          Effect.sync(() => ran++)
        )
        assert.deepStrictEqual(stale, [{ queue, partition: 1 }])
        assert.strictEqual(yield* journal.task(tasks[0]!.id), null)
        assert.strictEqual((yield* journal.states(queue, bytes("k"))).size, 0)
        assert.strictEqual(ran, 0)
        assert.strictEqual((yield* journal.lease({ queue, partition: 0, owner: "x" })).nextOffset, 0)
        assert.deepStrictEqual(yield* write({ positions: [position(2, 1)] }), [])
      })
    )

    it.effect("a batch that was not answered and is sent again is written once", () =>
      Effect.gen(function* () {
        const { journal, queue, position, write } = yield* freshQueue(2)
        const task = taskRow({ queue, offset: 0, state: "failed" })
        let ran = 0
        const send = write(
          { number: 7_000, positions: [position(0, 1), position(1, 1)], tasks: [task] },
          Effect.sync(() => ran++)
        )
        assert.deepStrictEqual(yield* send, [])
        // What happens before it is sent again is not undone by it.
        assert.isTrue(yield* journal.requestRetry(task.id, "eve"))
        assert.deepStrictEqual(yield* send, [])
        assert.strictEqual((yield* journal.task(task.id))!.state, "queued")
        assert.strictEqual(ran, 1)
        // Nor where a partition has gone meanwhile.
        yield* journal.lease({ queue, partition: 1, owner: "another" })
        assert.deepStrictEqual(yield* send, [])
        assert.strictEqual((yield* journal.task(task.id))!.state, "queued")
        assert.strictEqual(ran, 1)
      })
    )

    it.effect("the numbers of batches begin anew with each owner", () =>
      Effect.gen(function* () {
        const { journal, queue, position, write } = yield* freshQueue()
        yield* write({ number: 7_000, positions: [position(0, 1)] })
        const { epoch } = yield* journal.lease({ queue, partition: 0, owner: "another" })
        const task = taskRow({ queue, offset: 1 })
        const next = { queue, partition: 0, epoch, nextOffset: 2 }
        assert.deepStrictEqual(yield* write({ number: 7_000, positions: [next], tasks: [task] }), [])
        assert.isNotNull(yield* journal.task(task.id))
      })
    )

    it.effect("a task that ended before changes no state by ending again, and those beside it do", () =>
      Effect.gen(function* () {
        const { journal, queue, write } = yield* freshQueue()
        const [ann, bob] = [taskRow({ queue, offset: 0 }), taskRow({ queue, offset: 1 })]
        const counted = ({ id }: typeof ann, user: string, value: string) => ({
          task: id,
          queue,
          key: bytes(user),
          name: "count",
          value
        })
        yield* write({ tasks: [succeeded(ann)], states: [counted(ann, "ann", "1")] })
        yield* write({
          tasks: [succeeded(ann, { result: "again" }), succeeded(bob)],
          states: [counted(ann, "ann", "2"), counted(bob, "bob", "1")]
        })
        assert.strictEqual((yield* journal.states(queue, bytes("ann"))).get("count"), "1")
        assert.strictEqual((yield* journal.states(queue, bytes("bob"))).get("count"), "1")
        assert.strictEqual((yield* journal.task(ann.id))!.result, null)
      })
    )

    it.effect("the next offset never goes back", () =>
      Effect.gen(function* () {
        const { journal, queue, position, write } = yield* freshQueue()
        yield* write({ positions: [position(0, 9)] })
        yield* write({ positions: [position(0, 4)] })
        assert.strictEqual((yield* journal.lease({ queue, partition: 0, owner: "b" })).nextOffset, 9)
      })
    )

    it.effect("a task comes back as it was written, in every column", () =>
      Effect.gen(function* () {
        const { journal, queue, write } = yield* freshQueue()
        const task = taskRow({
          queue,
          offset: 2 ** 40,
          flow: "flow",
          priority: "low",
          state: "in_progress",
          attempt: 2,
          crashes: 1,
          emitted: 3,
          startedAt: 1_700_000_000_123,
          notBefore: 1_700_000_000_456,
          reason: "because",
          result: '{"a":1}',
          progress: "0.5",
          record: { key: Uint8Array.of(0, 255, 128), value: null, headers: { "\0": "\ud800", é: "ü" } }
        })
        yield* write({ tasks: [task] })
        assert.deepStrictEqual(yield* journal.task(task.id), task)
        assert.strictEqual(yield* journal.task(uuidOf("no such task")), null)
      })
    )

    it.effect("unfinished tasks come by offset, page by page, of one partition only", () =>
      Effect.gen(function* () {
        const { journal, queue, position, write } = yield* freshQueue(2)
        const offsets = [5, 1, 9, 3, 7]
        const tasks = offsets.map((offset) => taskRow({ queue, offset }))
        yield* write({
          positions: [position(0), position(1)],
          tasks: [...tasks, taskRow({ queue, partition: 1, offset: 2 })]
        })
        yield* write({ tasks: [succeeded(tasks[1]!), { ...tasks[3]!, state: "in_progress" }] })
        const page = (after: number) =>
          Effect.map(
            journal.unfinished({ queue, partition: 0, after, below: Number.MAX_SAFE_INTEGER, limit: 2 }),
            (rows) => rows.map((t) => t.offset)
          )
        assert.deepStrictEqual(yield* page(-1), [3, 5])
        assert.deepStrictEqual(yield* page(5), [7, 9])
        assert.deepStrictEqual(yield* page(9), [])
      })
    )

    it.effect("the backlog of a key is its unfinished tasks by offset, told apart byte by byte", () =>
      Effect.gen(function* () {
        const { journal, queue, write } = yield* freshQueue()
        const a = Uint8Array.of(0, 200)
        const b = Uint8Array.of(0, 201)
        const keys = [a, b, a, null, a]
        yield* write({
          tasks: keys.map((key, offset) =>
            taskRow({ queue, offset, user: "same", record: { key, value: null, headers: {} } })
          )
        })
        const backlog = yield* journal.backlog({
          queue,
          partition: 0,
          key: a,
          after: 0,
          below: Number.MAX_SAFE_INTEGER,
          limit: 5
        })
        assert.deepStrictEqual(
          backlog.map((t) => t.offset),
          [2, 4]
        )
        assert.strictEqual(
          (yield* journal.backlog({ queue, partition: 0, key: a, after: -1, below: Number.MAX_SAFE_INTEGER, limit: 1 }))
            .length,
          1
        )
      })
    )

    it.effect("known ids are answered with their offset, others are left out", () =>
      Effect.gen(function* () {
        const { journal, queue, write } = yield* freshQueue()
        const task = taskRow({ queue, offset: 12 })
        yield* write({ tasks: [succeeded(task)] })
        assert.deepStrictEqual([...(yield* journal.known([task.id, uuidOf("other")]))], [[task.id, 12]])
        assert.strictEqual((yield* journal.known([])).size, 0)
      })
    )

    it.effect("a row that has ended is left alone by whatever is written later", () =>
      Effect.gen(function* () {
        const { journal, queue, write } = yield* freshQueue()
        for (const [offset, state] of (["succeeded", "failed", "cancelled", "invalid"] as const).entries()) {
          const queued = taskRow({ queue, offset })
          const ended = {
            ...queued,
            state,
            endedAt: 9,
            reason: "first",
            record: state === "succeeded" ? null : queued.record
          }
          yield* write({ tasks: [ended] })
          yield* write({ tasks: [{ ...queued, state: "in_progress", attempt: 3 }] })
          yield* write({ tasks: [succeeded(queued, { result: "2" })] })
          yield* write({ tasks: [{ ...queued, state: "failed", reason: "second" }] })
          assert.deepStrictEqual(yield* journal.task(queued.id), ended)
        }
      })
    )

    it.effect("a task that stands in a batch twice has the end it had first", () =>
      Effect.gen(function* () {
        const { journal, queue, write } = yield* freshQueue()
        const task = taskRow({ queue, offset: 0 })
        const cancelled = { ...task, state: "cancelled" as const, endedAt: 4, reason: "stop" }
        yield* write({ tasks: [task, cancelled, succeeded(task)] })
        assert.strictEqual((yield* journal.task(task.id))?.state, "cancelled")
        const other = taskRow({ queue, offset: 1 })
        yield* write({ tasks: [other, { ...other, attempt: 1, record: null }] })
        assert.deepStrictEqual(yield* journal.task(other.id), { ...other, attempt: 1 })
      })
    )

    it.effect(
      "bytes stay while a task is unfinished or has failed, also when its owner sends none, and go when it succeeds",
      () =>
        Effect.gen(function* () {
          const { journal, queue, write } = yield* freshQueue()
          const recordOf = (id: string) => Effect.map(journal.task(id), (task) => task?.record ?? null)
          for (const [offset, end] of [{ emitted: 0 }, { emitted: 2 }, { crashes: 1 }].entries()) {
            const task = taskRow({ queue, offset })
            yield* write({ tasks: [task] })
            yield* write({ tasks: [{ ...task, attempt: 1, notBefore: 99_000, record: null }] })
            assert.deepStrictEqual(yield* recordOf(task.id), task.record)
            yield* write({ tasks: [succeeded(task, end)] })
            assert.strictEqual(yield* recordOf(task.id), null)
          }
          const failing = taskRow({ queue, offset: 9 })
          yield* write({ tasks: [failing] })
          yield* write({ tasks: [{ ...failing, state: "failed", record: null }] })
          assert.deepStrictEqual(yield* recordOf(failing.id), failing.record)
        })
    )

    it.effect("what goes alongside and the batch are written together or not at all", () =>
      Effect.gen(function* () {
        const { journal, queue, position, write } = yield* freshQueue()
        const task = taskRow({ queue, offset: 0 })
        const exit = yield* Effect.exit(
          write({ positions: [position(0, 1)], tasks: [task] }, Effect.fail("the topic is gone"))
        )
        assert.deepStrictEqual(exit, Exit.fail("the topic is gone"))
        assert.strictEqual(yield* journal.task(task.id), null)
        const died = yield* Effect.exit(write({ tasks: [task] }, Effect.die("a defect")))
        assert.isTrue(Exit.isFailure(died))
        assert.strictEqual(yield* journal.task(task.id), null)
        assert.strictEqual((yield* journal.lease({ queue, partition: 0, owner: "b" })).nextOffset, 0)
      })
    )

    it.effect("of attempts, steps and their like the first that is stored stays", () =>
      Effect.gen(function* () {
        const { journal, queue, write } = yield* freshQueue()
        const task = uuidOf(queue)
        const step = (result: string) => ({ task, name: "call", result, at: 1 })
        const attempt = (reason: string) => ({
          task,
          number: 1,
          startedAt: 1,
          endedAt: 2,
          outcome: "retry",
          reason,
          detail: null
        })
        yield* write({
          steps: [step("1")],
          attempts: [attempt("a")],
          logs: [{ task, seq: 1, at: 1, level: "info", message: "m" }]
        })
        yield* write({
          steps: [step("2"), { task, name: "other", result: "3", at: 1 }],
          attempts: [attempt("b")],
          logs: [{ task, seq: 1, at: 1, level: "info", message: "n" }],
          skips: [
            { flow: "f", task, offset: 1 },
            { flow: "f", task, offset: 1 }
          ]
        })
        assert.deepStrictEqual(
          new Map(yield* journal.steps(task)),
          new Map([
            ["call", "1"],
            ["other", "3"]
          ])
        )
        assert.strictEqual((yield* journal.steps(uuidOf("none"))).size, 0)
      })
    )

    it.effect("state is set, replaced and removed by key, and the last change in a batch counts", () =>
      Effect.gen(function* () {
        const { journal, queue, write } = yield* freshQueue()
        const other = yield* freshQueue()
        const key = Uint8Array.of(0, 1, 255)
        const set = (name: string, value: string | null) => ({ task: uuidOf("none"), queue, key, name, value })
        yield* write({ states: [set("a", "1"), set("b", "1"), set("a", "2")] })
        assert.deepStrictEqual(
          new Map(yield* journal.states(queue, key)),
          new Map([
            ["a", "2"],
            ["b", "1"]
          ])
        )
        yield* write({ states: [set("a", "3"), set("a", null), set("c", null), set("c", "4")] })
        assert.deepStrictEqual(
          new Map(yield* journal.states(queue, key)),
          new Map([
            ["b", "1"],
            ["c", "4"]
          ])
        )
        assert.strictEqual((yield* journal.states(other.queue, key)).size, 0)
      })
    )

    it.effect("text of any kind survives: lone surrogates, quotes, emoji, ten thousand signs", () =>
      Effect.gen(function* () {
        const { journal, queue, write } = yield* freshQueue()
        const odd = `'"\\ {}\n\t🦊 ${"ж".repeat(10_000)}`
        const task = taskRow({
          queue,
          offset: 0,
          reason: odd,
          result: JSON.stringify("\ud800\0"),
          state: "failed",
          user: odd.slice(0, 50)
        })
        yield* write({ tasks: [task, taskRow({ queue, offset: 1, reason: "\udfff" })] })
        const read = yield* journal.task(task.id)
        assert.strictEqual(read?.reason, odd)
        assert.strictEqual(JSON.parse(read!.result!), "\ud800\0")
        assert.strictEqual((yield* journal.task(taskRow({ queue, offset: 1 }).id))?.offset, 1)
      })
    )

    it.effect("two thousand tasks of every kind are one batch", () =>
      Effect.gen(function* () {
        const { journal, queue, position, write } = yield* freshQueue()
        const tasks = Array.from({ length: 2_000 }, (_, offset) => {
          const task = taskRow({ queue, offset })
          return offset % 4 === 0 ? task : offset % 4 === 1 ? { ...task, state: "failed" as const } : succeeded(task)
        })
        yield* write({ positions: [position(0, 2_000)], tasks })
        assert.strictEqual((yield* journal.known(tasks.map((task) => task.id))).size, 2_000)
        assert.strictEqual(
          (yield* journal.unfinished({ queue, partition: 0, after: -1, below: Number.MAX_SAFE_INTEGER, limit: 5_000 }))
            .length,
          500
        )
      })
    )

    it.effect("many writers at once lose nothing of each other's", () =>
      Effect.gen(function* () {
        const { journal, queue, position } = yield* freshQueue(4)
        const write = (partition: number, from: number) =>
          journal.commit(
            batchOf({
              positions: [position(partition, from + 10)],
              tasks: Array.from({ length: 10 }, (_, i) => taskRow({ queue, partition, offset: from + i }))
            }),
            Effect.void
          )
        const fibers = yield* Effect.forEach(
          Array.from({ length: 40 }, (_, i) => i),
          (i) => Effect.forkChild(write(i % 4, Math.floor(i / 4) * 10))
        )
        for (const fiber of fibers) assert.deepStrictEqual(yield* Fiber.join(fiber), [])
        for (let partition = 0; partition < 4; partition++) {
          const rows = yield* journal.unfinished({
            queue,
            partition,
            after: -1,
            below: Number.MAX_SAFE_INTEGER,
            limit: 1_000
          })
          assert.deepStrictEqual(
            rows.map((t) => t.offset),
            Array.from({ length: 100 }, (_, i) => i)
          )
        }
      })
    )
  })
