/**
 * What every journal promises those who steer: controls, commands, events,
 * schedules. One text for all adapters.
 */
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Exit } from "effect"
import type { Layer } from "effect"
import { uuidOf } from "../../src/domain/ids.ts"
import { mailboxKeyOf } from "../../src/domain/Task.ts"
import type { Task } from "../../src/domain/Task.ts"
import { slotOf } from "../../src/journal/Journal.ts"
import type { Journal, NewEvent } from "../../src/journal/Journal.ts"
import { freshQueue } from "../support/freshQueue.ts"
import { bytes, succeeded, taskRow } from "../support/journalRows.ts"

const eventOf = (id: string, fingerprint = "f"): NewEvent => ({
  id,
  type: "test",
  user: "ann",
  queue: "any",
  task: uuidOf(id),
  fingerprint,
  data: "{}",
  awaits: 1
})

export const journalSteeringContract = (name: string, journalLayer: Layer.Layer<Journal>): void =>
  layer(journalLayer, { excludeTestServices: true, timeout: "60 seconds" })(name, (it) => {
    it.effect("a paused queue and a paused key show among the controls until they are resumed", () =>
      Effect.gen(function* () {
        const { journal, queue } = yield* freshQueue()
        const key = Uint8Array.of(0, 254)
        yield* journal.pauseQueue(queue, true, "eve")
        yield* journal.pauseKey(key, true, "eve")
        yield* journal.pauseKey(key, true, "eve again")
        const paused = yield* journal.controls
        assert.isTrue(paused.pausedQueues.has(queue) && paused.pausedKeys.has(mailboxKeyOf(key)))
        yield* journal.pauseQueue(queue, false, "eve")
        yield* journal.pauseKey(key, false, "eve")
        const resumed = yield* journal.controls
        assert.isFalse(resumed.pausedQueues.has(queue) || resumed.pausedKeys.has(mailboxKeyOf(key)))
      })
    )

    it.effect("a held mailbox is paused in its own queue only, and resuming its key frees it", () =>
      Effect.gen(function* () {
        const { journal, queue, write } = yield* freshQueue()
        const key = bytes(queue)
        yield* write({
          holds: [
            { queue, key, reason: "exhausted" },
            { queue, key, reason: "twice" }
          ]
        })
        const held = yield* journal.controls
        assert.isTrue(held.pausedSlots.has(slotOf(queue, mailboxKeyOf(key))))
        assert.isFalse(held.pausedKeys.has(mailboxKeyOf(key)))
        yield* journal.pauseKey(key, false, "eve")
        assert.isFalse((yield* journal.controls).pausedSlots.has(slotOf(queue, mailboxKeyOf(key))))
      })
    )

    it.effect("who watches the controls is called after each change", () =>
      Effect.gen(function* () {
        const { journal, queue } = yield* freshQueue()
        let bell = yield* Deferred.make<void>()
        yield* journal.watchControls(() => Deferred.doneUnsafe(bell, Effect.void))
        for (const change of [
          journal.pauseQueue(queue, true, "eve"),
          journal.pauseKey(bytes(queue), false, "eve"),
          journal.requestCancel(uuidOf(`${queue} unread`), "eve")
        ]) {
          yield* Deferred.await(bell)
          bell = yield* Deferred.make<void>()
          yield* change
          yield* Deferred.await(bell)
        }
      }).pipe(Effect.scoped)
    )

    it.effect(
      "a cancel is kept for tasks that can still run, also unread ones, until its owner has carried it out",
      () =>
        Effect.gen(function* () {
          const { journal, queue, write } = yield* freshQueue()
          const [queued, ended] = [taskRow({ queue, offset: 0 }), taskRow({ queue, offset: 1 })]
          const unread = uuidOf(`${queue} unread`)
          yield* write({ tasks: [queued, succeeded(ended)] })
          assert.isTrue(yield* journal.requestCancel(queued.id, "eve"))
          assert.isTrue(yield* journal.requestCancel(queued.id, "adam"))
          assert.isTrue(yield* journal.requestCancel(unread, "eve"))
          assert.isFalse(yield* journal.requestCancel(ended.id, "eve"))
          const mine = () =>
            Effect.map(journal.controls, ({ commands }) =>
              commands.filter((c) => c.task === queued.id || c.task === unread)
            )
          const wishes = yield* mine()
          assert.deepStrictEqual(wishes, [
            {
              number: wishes[0]!.number,
              task: queued.id,
              kind: "cancel",
              at: { queue, partition: 0, state: "queued" }
            },
            { number: wishes[1]!.number, task: unread, kind: "cancel", at: null }
          ])
          const asked = Effect.map(
            journal.askedToCancel([queued.id, ended.id, unread, uuidOf(`${queue} unheard of`)], []),
            ({ tasks }) => tasks
          )
          assert.deepStrictEqual(yield* asked, new Set([queued.id, unread]))
          const unheardOf = Math.max(...wishes.map(({ number }) => number)) + 1_000_000
          yield* write({ commands: [wishes[0]!.number, unheardOf] })
          assert.deepStrictEqual(yield* asked, new Set([unread]))
          const none = new Set<string>()
          assert.deepStrictEqual(yield* journal.askedToCancel([], []), { tasks: none, flows: none })
          assert.deepStrictEqual(
            (yield* mine()).map((c) => c.task),
            [unread]
          )
        })
    )

    it.effect("what is asked for again is not crossed off with what was asked for before", () =>
      Effect.gen(function* () {
        const { journal, queue, write } = yield* freshQueue()
        const failed = taskRow({ queue, offset: 0, state: "failed", endedAt: 5, reason: "bad" })
        const queued = taskRow({ queue, offset: 1 })
        yield* write({ tasks: [failed, queued] })
        const mine = Effect.map(journal.controls, ({ commands }) => commands.filter(({ at }) => at?.queue === queue))
        const numbers = Effect.map(mine, (all) => all.map(({ number }) => number))
        assert.isTrue(yield* journal.requestRetry(failed.id, "eve"))
        assert.isTrue(yield* journal.requestCancel(queued.id, "eve"))
        const before = yield* numbers
        // It ran and has failed again before its wish is crossed off; then it is retried once more.
        yield* write({ tasks: [failed] })
        assert.isTrue(yield* journal.requestRetry(failed.id, "eve"))
        assert.isTrue(yield* journal.requestCancel(queued.id, "eve"))
        yield* write({ commands: before })
        const kinds = Object.fromEntries((yield* mine).map(({ task, kind }) => [task, kind]))
        assert.deepStrictEqual(kinds, { [failed.id]: "retry", [queued.id]: "cancel" })
        yield* write({ commands: yield* numbers })
        assert.deepStrictEqual(yield* mine, [])
      })
    )

    it.effect("a retry takes a badly ended task back to queued with its bytes, once, and nothing else", () =>
      Effect.gen(function* () {
        const { journal, queue, write } = yield* freshQueue()
        const rows = (["failed", "cancelled", "invalid"] as const).map((state, offset) =>
          taskRow({ queue, offset, state, attempt: 4, crashes: 2, endedAt: 5, reason: "bad" })
        )
        const [done, open] = [succeeded(taskRow({ queue, offset: 7 })), taskRow({ queue, offset: 8 })]
        yield* write({ tasks: [...rows, done, open] })
        for (const { id, record } of rows) {
          assert.isTrue(yield* journal.requestRetry(id, "eve"))
          assert.isFalse(yield* journal.requestRetry(id, "eve"))
          const task = yield* journal.task(id)
          assert.deepInclude(task, { state: "queued", attempt: 0, crashes: 0, endedAt: null, notBefore: null })
          assert.deepStrictEqual(task?.record, record)
        }
        assert.isFalse(yield* journal.requestRetry(done.id, "eve"))
        assert.isFalse(yield* journal.requestRetry(open.id, "eve"))
        const asked = (yield* journal.controls).commands.filter((c) => c.kind === "retry" && c.at?.queue === queue)
        assert.deepStrictEqual(asked.map((c) => c.task).sort(), rows.map((t) => t.id).sort())
      })
    )

    it.effect("the wish to cancel a flow is kept until all of its tasks have ended, or one of them is retried", () =>
      Effect.gen(function* () {
        const { journal, queue, write } = yield* freshQueue()
        const [flow, other] = [`${queue} flow`, `${queue} other`]
        const asked = Effect.map(journal.controls, ({ cancelledFlows }) => [
          cancelledFlows.has(flow),
          cancelledFlows.has(other)
        ])
        const eventOf = (id: string, task: Task): NewEvent => ({
          id,
          type: "test",
          user: "ann",
          queue,
          task: task.id,
          fingerprint: id,
          data: "{}",
          awaits: 1
        })
        const [first, second] = [taskRow({ queue, offset: 0, flow }), taskRow({ queue, offset: 1, flow })]
        const bad = taskRow({ queue, offset: 2, flow: other, state: "failed", endedAt: 5 })
        yield* journal.accept([eventOf(flow, first), eventOf(other, bad)], () => Effect.void)
        yield* write({ tasks: [bad] })
        yield* journal.requestFlowCancel(flow, "eve")
        yield* journal.requestFlowCancel(flow, "adam")
        yield* journal.requestFlowCancel(other, "eve")
        assert.deepStrictEqual(yield* asked, [true, true])
        assert.isTrue(yield* journal.requestRetry(bad.id, "eve"))
        assert.deepStrictEqual(yield* asked, [true, false])
        const confirmed = yield* journal.askedToCancel([first.id], [flow, other, `${queue} unheard of`])
        assert.deepStrictEqual(confirmed, { tasks: new Set<string>(), flows: new Set([flow]) })
        // None has been read; one has ended, and calls for another; both have ended.
        yield* journal.forgetFlowCancels(flow)
        assert.deepStrictEqual(yield* asked, [true, false])
        yield* write({ tasks: [succeeded(first, { emitted: 1 })] })
        yield* journal.forgetFlowCancels(flow)
        yield* journal.forgetFlowCancels(null)
        assert.deepStrictEqual(yield* asked, [true, false])
        yield* write({ tasks: [{ ...second, state: "cancelled", endedAt: 6 }] })
        yield* journal.forgetFlowCancels(other)
        assert.deepStrictEqual(yield* asked, [true, false])
        yield* journal.forgetFlowCancels(null)
        assert.deepStrictEqual(yield* asked, [false, false])
      })
    )

    it.effect("a retry ends the wish to cancel that came before it, and not the one that comes after it", () =>
      Effect.gen(function* () {
        const { journal, queue, write } = yield* freshQueue()
        const running = taskRow({ queue, offset: 0, state: "in_progress" })
        yield* write({ tasks: [running] })
        assert.isTrue(yield* journal.requestCancel(running.id, "eve"))
        yield* write({ tasks: [{ ...running, state: "cancelled", endedAt: 5 }] })
        assert.isTrue(yield* journal.requestRetry(running.id, "eve"))
        const asked = Effect.map(journal.controls, ({ commands }) =>
          commands.filter((c) => c.task === running.id).map((c) => c.kind)
        )
        assert.deepStrictEqual(yield* asked, ["retry"])
        assert.isTrue(yield* journal.requestCancel(running.id, "eve"))
        assert.deepStrictEqual((yield* asked).sort(), ["cancel", "retry"])
      })
    )

    it.effect(
      "an event is accepted once: the same again is repeated, another body a conflict, within a batch and across",
      () =>
        Effect.gen(function* () {
          const { journal, queue } = yield* freshQueue()
          const [a, b] = [eventOf(`${queue} a`), eventOf(`${queue} b`)]
          const seen: Array<string> = []
          const accept = (events: ReadonlyArray<NewEvent>) =>
            journal.accept(events, (fresh) => Effect.sync(() => seen.push(...fresh.map((e) => e.id))))
          const other = { ...a, fingerprint: "g" }
          assert.deepStrictEqual(yield* accept([b, a, { ...a }, other]), [
            "accepted",
            "accepted",
            "repeated",
            "conflict"
          ])
          assert.deepStrictEqual(yield* accept([{ ...a }, eventOf(`${queue} c`), other]), [
            "repeated",
            "accepted",
            "conflict"
          ])
          assert.deepStrictEqual(seen, [b.id, a.id, `${queue} c`])
        })
    )

    it.effect("events whose records could not be appended are not kept", () =>
      Effect.gen(function* () {
        const { journal, queue } = yield* freshQueue()
        const event = eventOf(queue)
        assert.deepStrictEqual(
          yield* Effect.exit(journal.accept([event], () => Effect.fail("full"))),
          Exit.fail("full")
        )
        assert.deepStrictEqual(yield* journal.accept([event], () => Effect.void), ["accepted"])
      })
    )

    it.effect("the same event from two callers at once is accepted for one of them", () =>
      Effect.gen(function* () {
        const { journal, queue } = yield* freshQueue()
        let appended = 0
        const answers = yield* Effect.forEach(
          Array.from({ length: 8 }, () => [eventOf(`${queue} x`), eventOf(`${queue} y`)]),
          (events, i) =>
            journal.accept(i % 2 === 0 ? events : events.reverse(), (fresh) =>
              Effect.sync(() => (appended += fresh.length))
            ),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(appended, 2)
        assert.strictEqual(answers.flat().filter((answer) => answer === "accepted").length, 2)
      })
    )

    it.effect("a schedule keeps its next tick unless its timing changes", () =>
      Effect.gen(function* () {
        const { journal, queue } = yield* freshQueue()
        const schedule = {
          id: queue,
          topic: "t",
          user: null,
          type: "test",
          data: "1",
          misfire: "once",
          paused: true,
          lastAt: null,
          timing: { kind: "every", everyMs: 1_000, from: 0 },
          nextAt: 5_000
        } as const
        const read = Effect.map(journal.schedules, (all) => all.find((s) => s.id === queue))
        yield* journal.putSchedule(schedule)
        assert.deepStrictEqual(yield* read, schedule)
        yield* journal.putSchedule({ ...schedule, data: "2", nextAt: 9_000 })
        assert.deepInclude(yield* read, { data: "2", nextAt: 5_000 })
        yield* journal.putSchedule({ ...schedule, timing: { kind: "at", at: 9_000 }, nextAt: 9_000 })
        assert.deepInclude(yield* read, { timing: { kind: "at", at: 9_000 }, nextAt: 9_000 })
        yield* journal.removeSchedule(queue)
        assert.strictEqual(yield* read, undefined)
      })
    )

    it.effect("a due schedule is ticked by one of two tickers, a paused or a later one by none", () =>
      Effect.gen(function* () {
        const { journal, queue } = yield* freshQueue()
        const put = (id: string, paused: boolean, nextAt: number | null) =>
          journal.putSchedule({
            id: `${queue} ${id}`,
            topic: "t",
            user: "ann",
            type: "test",
            data: "1",
            misfire: "once",
            paused,
            lastAt: null,
            timing: { kind: "every", everyMs: 1_000, from: 0 },
            nextAt
          })
        yield* Effect.all([
          put("due", false, 1_000),
          put("paused", true, 1_000),
          put("later", false, 9_000),
          put("over", false, null)
        ])
        const ticked: Array<string> = []
        const tick = journal.dueSchedules(1_000, (due) =>
          Effect.sync(() => {
            ticked.push(...due.map((s) => s.id))
            return due.map((s) => ({ ...s, nextAt: 2_000, lastAt: 1_000 }))
          })
        )
        const [one, two] = yield* Effect.all([tick, tick], { concurrency: 2 })
        assert.strictEqual(one + two, 1)
        assert.deepStrictEqual(ticked, [`${queue} due`])
        const after = (yield* journal.schedules).find((s) => s.id === `${queue} due`)
        assert.deepInclude(after, { nextAt: 2_000, lastAt: 1_000 })
        for (const id of ["due", "paused", "later", "over"]) yield* journal.removeSchedule(`${queue} ${id}`)
      })
    )

    it.effect("a tick whose records could not be appended stays due", () =>
      Effect.gen(function* () {
        const { journal, queue } = yield* freshQueue()
        yield* journal.putSchedule({
          id: queue,
          topic: "t",
          user: null,
          type: "test",
          data: "1",
          misfire: "once",
          paused: false,
          lastAt: null,
          timing: { kind: "at", at: 500 },
          nextAt: 500
        })
        assert.deepStrictEqual(
          yield* Effect.exit(journal.dueSchedules(500, () => Effect.fail("full"))),
          Exit.fail("full")
        )
        assert.strictEqual(
          yield* journal.dueSchedules(500, (due) => Effect.succeed(due.map((s) => ({ ...s, nextAt: null })))),
          1
        )
        assert.strictEqual(yield* journal.dueSchedules(500, (due) => Effect.succeed(due)), 0)
        yield* journal.removeSchedule(queue)
      })
    )
  })
