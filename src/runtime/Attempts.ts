/**
 * One attempt from start to end: decode, run the handler as a fiber, settle
 * its outcome. Settling changes the task and its mailbox at once and leaves
 * the writing to the flush; so the next task of the key starts without waiting
 * for the disk, and a crash repeats at most what was not flushed, in order.
 *
 * | outcome                     | task          | mailbox            | also                    |
 * |-----------------------------|---------------|--------------------|-------------------------|
 * | Done                        | succeeded     | next               | outputs, state changes  |
 * | Retry, attempts left        | queued, later | waits at its head  | attempt row             |
 * | Retry, none left; Fail      | failed        | next, or held      | attempt row, dead letter|
 * | Delay                       | queued, later | waits at its head  | attempt not counted     |
 * | Cancel, or asked to cancel  | cancelled     | next               | attempt row             |
 * | undecodable                 | invalid       | next               | dead letter             |
 * | stopped by drain or loss    | as it was     | dropped with owner | nothing                 |
 */
import { Clock, Effect, Exit, Random } from "effect"
import type { Fiber } from "effect"
import type { OutgoingRecord } from "../broker/Record.ts"
import { headersOf } from "../domain/Envelope.ts"
import { outputIdOf } from "../domain/ids.ts"
import type { Done, Outcome } from "../domain/Outcome.ts"
import { retry } from "../domain/Outcome.ts"
import { backoffOf, mayRetry } from "../domain/RetryPolicy.ts"
import { Journal } from "../journal/Journal.ts"
import type { StateRow } from "../journal/Journal.ts"
import { deadLetterOf } from "./DeadLetter.ts"
import type { Flush } from "./Flush.ts"
import type { LiveTask, StopReason } from "./LiveTask.ts"
import * as Mailboxes from "./Mailboxes.ts"
import { outcomeOf } from "./outcomeOf.ts"
import type { Lane } from "./Ownership.ts"
import { makeSession, storable } from "./TaskContext.ts"
import type { TaskSession } from "./TaskContext.ts"
import type { Timers } from "./Timers.ts"

export interface AttemptsOptions<R> {
  readonly flush: Flush
  readonly timers: Timers
  readonly runFork: (effect: Effect.Effect<unknown, unknown, R>) => Fiber.Fiber<unknown, unknown>
  /** A slot is free or a mailbox is ready again. */
  readonly changed: (lane: Lane) => void
  /** A task has ended and left its mailbox. */
  readonly ended: (task: LiveTask) => void
  /** How many queues of this installation read a topic: what the flow has to wait for. */
  readonly readersOf: (topic: string) => number
  /** `ce_source` of outputs. */
  readonly source: string
}

export interface Attempts {
  /** Runs the head task of a mailbox that was taken. */
  readonly start: (task: LiveTask) => void
  /** Interrupts a running attempt; its end is settled by the reason. */
  readonly stop: (task: LiveTask, reason: StopReason) => void
  /** Ends a task that is not running as cancelled. */
  readonly cancelQueued: (task: LiveTask, by: string) => void
  /** Lets a mailbox wait until its head task may start. */
  readonly park: (task: LiveTask, until: number) => void
}

const decoder = new TextDecoder("utf-8", { fatal: true })

export const makeAttempts = <R>(options: AttemptsOptions<R>) =>
  Effect.gen(function* () {
    const { flush, timers, changed } = options
    const journal = yield* Journal
    const clock = yield* Clock.Clock
    const random = yield* Random.Random

    const decode = (task: LiveTask): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly detail: string } => {
      const bytes = task.record!.value
      if (bytes === null) return { ok: false, detail: "the record has no value" }
      let parsed: unknown
      try {
        parsed = JSON.parse(decoder.decode(bytes))
      } catch (error) {
        return { ok: false, detail: `the value is not JSON in UTF-8: ${(error as Error).message}` }
      }
      return task.ownership.lane.decode(parsed)
    }

    const park = (task: LiveTask, until: number) => {
      const { box, ownership } = task
      Mailboxes.wait(ownership.lane.boxes, box)
      wakeAt(task, until)
    }

    const wakeAt = (task: LiveTask, until: number) => {
      const { box, ownership } = task
      timers.set(until, () => {
        // The head may have been cancelled or parked anew: then this alarm is not its own.
        if (task.notBefore !== until || !ownership.alive) return
        Mailboxes.wake(ownership.lane.boxes, box, clock.currentTimeMillisUnsafe())
        changed(ownership.lane)
      })
    }

    const outputsOf = (task: LiveTask, outcome: Done, now: number): ReadonlyArray<OutgoingRecord> => {
      let emitted = 0
      const outputs = outcome.outputs.map((output, index): OutgoingRecord => {
        emitted += options.readersOf(output.topic)
        return {
          topic: output.topic,
          key: output.key,
          value: output.value,
          headers: headersOf({
            id: output.id ?? outputIdOf(task.id, index),
            type: output.type,
            source: options.source + task.ownership.lane.actor.name,
            time: now,
            flow: task.flow,
            priority: output.priority ?? task.priority,
            traceparent: task.record!.headers["traceparent"]
          })
        }
      })
      task.emitted = task.flow === null ? 0 : emitted
      return outputs
    }

    const statesOf = (task: LiveTask, session: TaskSession): ReadonlyArray<StateRow> => {
      const { keyBytes: key } = task.box
      if (session.changes.size === 0 || key === null) return []
      const queue = task.ownership.lane.actor.name
      return [...session.changes].map(([name, value]) => ({ queue, key, name: storable(name), value }))
    }

    const attemptRow = (task: LiveTask, outcome: string, now: number, reason: string, detail: unknown) =>
      flush.item(task.ownership, {
        kind: "attempt",
        row: {
          task: task.id,
          number: task.attempt,
          startedAt: task.startedAt ?? now,
          endedAt: now,
          outcome,
          reason: storable(reason),
          detail: detail === undefined ? null : JSON.stringify(detail)
        }
      })

    const bury = (task: LiveTask, reason: string, detail: string | null) => {
      const { lane, partition } = task.ownership
      const letter = deadLetterOf({
        task: task.id,
        queue: lane.actor.name,
        topic: lane.actor.topic.name,
        partition,
        offset: task.offset,
        queuedAt: task.queuedAt,
        attempts: task.attempt,
        record: task.record!,
        reason,
        detail
      })
      task.outbox = { records: [letter], states: [], holds: [] }
    }

    /** The task has ended: the key goes on with the next. */
    const end = (task: LiveTask, now: number) => {
      const { lane } = task.ownership
      task.endedAt = now
      task.notBefore = null
      flush.task(task)
      Mailboxes.finish(lane.boxes, task.box, now)
      options.ended(task)
      changed(lane)
    }

    const failed = (task: LiveTask, reason: string, detail: unknown, now: number) => {
      const { lane } = task.ownership
      task.state = "failed"
      task.reason = storable(reason)
      attemptRow(task, "failed", now, reason, detail)
      bury(task, reason, typeof detail === "string" ? detail : detail === undefined ? null : JSON.stringify(detail))
      if (lane.actor.policy.retry.onExhausted === "block" && task.box.keyBytes !== null) {
        Mailboxes.hold(task.box)
        const held = { queue: lane.actor.name, key: task.box.keyBytes, reason: `task ${task.id} failed and its queue blocks` }
        task.outbox = { ...task.outbox!, holds: [held] }
      }
      end(task, now)
    }

    const again = (task: LiveTask, until: number, reason: string) => {
      task.state = "queued"
      task.notBefore = until
      task.reason = storable(reason)
      flush.task(task)
      park(task, until)
      changed(task.ownership.lane)
    }

    const settle = (task: LiveTask, session: TaskSession | null, outcome: Outcome) => {
      const now = clock.currentTimeMillisUnsafe()
      const { retry: policy } = task.ownership.lane.actor.policy
      switch (outcome._tag) {
        case "Done": {
          task.state = "succeeded"
          task.reason = null
          task.result = outcome.result === undefined || outcome.result === null ? null : (JSON.stringify(outcome.result) ?? null)
          const states = session === null ? [] : statesOf(task, session)
          if (outcome.outputs.length > 0 || states.length > 0) {
            task.outbox = { records: outputsOf(task, outcome, now), states, holds: [] }
          }
          return end(task, now)
        }
        case "Retry": {
          if (!mayRetry(policy, task.attempt)) return failed(task, outcome.reason, undefined, now)
          attemptRow(task, "retry", now, outcome.reason, undefined)
          const wait = outcome.afterMs ?? backoffOf(policy, task.attempt, random.nextDoubleUnsafe())
          return again(task, now + wait, outcome.reason)
        }
        case "Delay": {
          attemptRow(task, "delay", now, outcome.reason, undefined)
          task.attempt -= 1
          return again(task, outcome.untilMs, outcome.reason)
        }
        case "Fail":
          return failed(task, outcome.reason, outcome.detail, now)
        case "Cancel": {
          task.state = "cancelled"
          task.reason = storable(outcome.reason)
          attemptRow(task, "cancelled", now, outcome.reason, undefined)
          return end(task, now)
        }
      }
    }

    const ended = (task: LiveTask, session: TaskSession, exit: Exit.Exit<unknown, unknown>) => {
      task.fiber = null
      if (!task.ownership.alive) return
      const { stop } = task
      task.stop = null
      // Who finished although it was asked to stop has finished: the outside has seen its effects.
      if (stop === null || Exit.isSuccess(exit)) return settle(task, session, outcomeOf(exit))
      if (stop === "cancel") return settle(task, session, { _tag: "Cancel", reason: "cancelled while it was running" })
      if (stop === "timeout") {
        return settle(task, session, retry(`no answer within ${task.ownership.lane.actor.policy.timeoutMs} ms`))
      }
      requeue(task)
    }

    /** Drain: the next owner runs it again; this attempt does not count. */
    const requeue = (task: LiveTask) => {
      task.attempt -= 1
      task.state = "queued"
      if (task.written) flush.task(task)
      Mailboxes.wait(task.ownership.lane.boxes, task.box)
      changed(task.ownership.lane)
    }

    const invalid = (task: LiveTask, detail: string) => {
      task.state = "invalid"
      task.reason = storable(detail)
      bury(task, detail, null)
      end(task, clock.currentTimeMillisUnsafe())
    }

    const run = (task: LiveTask) => {
      const { lane } = task.ownership
      const now = clock.currentTimeMillisUnsafe()
      const decoded = decode(task)
      if (!decoded.ok) return invalid(task, decoded.detail)
      task.startedAt = now
      task.deadline = now + lane.actor.policy.timeoutMs
      const session = makeSession({ journal, flush, clock }, task)
      const fiber = options.runFork(Effect.suspend(() => lane.actor.handler(decoded.value, session.context)))
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) return ended(task, session, exit)
      task.fiber = fiber
      fiber.addObserver((late) => ended(task, session, late))
    }

    /** Fetches the bytes of a task that gave them up while it was parked. */
    const reload = (task: LiveTask) =>
      journal.task(task.id).pipe(
        Effect.map((row) => {
          task.record = row?.record ?? { key: task.box.keyBytes, value: null, headers: {} }
        }),
        Effect.catch((error) => Effect.logWarning("a parked task could not be read", error.message))
      )

    const start = (task: LiveTask) => {
      const { ownership } = task
      const { lane } = ownership
      lane.started++
      task.attempt += 1
      task.notBefore = null
      task.state = "in_progress"
      const go = () => {
        if (!ownership.alive || task.state !== "in_progress") return
        if (ownership.draining) return requeue(task)
        if (task.stop === "cancel") {
          task.stop = null
          return settle(task, null, { _tag: "Cancel", reason: "cancelled before it ran" })
        }
        if (task.record === null) return void options.runFork(Effect.andThen(reload(task), Effect.sync(go)))
        run(task)
      }
      if (task.crashes > poisonous) {
        task.startedAt = clock.currentTimeMillisUnsafe()
        if (task.record !== null) return failed(task, "crashed the worker", `a worker died ${task.crashes} times while it ran`, task.startedAt)
      }
      if (task.offset < ownership.carefulBelow || task.crashes > 0) {
        // That it is about to run must be known even if it takes the process with it.
        task.startedAt = clock.currentTimeMillisUnsafe()
        flush.task(task)
        return flush.after(go)
      }
      go()
    }

    return {
      start,
      park,
      stop: (task, reason) => {
        if (task.stop !== null && reason !== "lost") return
        task.stop = reason
        task.fiber?.interruptUnsafe()
      },
      cancelQueued: (task, by) => {
        const now = clock.currentTimeMillisUnsafe()
        const { lane } = task.ownership
        if (!task.spilled && !Mailboxes.withdraw(lane.boxes, task.box, task, now)) return
        task.state = "cancelled"
        task.reason = storable(`cancelled by ${by}`)
        task.endedAt = now
        task.notBefore = null
        flush.task(task)
        options.ended(task)
        changed(lane)
      }
    } satisfies Attempts
  })

/** A task that was running in so many crashes is run alone; in one more, it is failed. */
export const poisonous = 3
