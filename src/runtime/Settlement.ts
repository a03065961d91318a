/**
 * What the end of an attempt means for its task and its mailbox. Both change
 * at once and the writing is left to the flush; so the next task of the key
 * starts without waiting for the disk, and a crash repeats at most what was
 * not flushed, in order.
 *
 * | outcome                     | task          | mailbox            | also                    |
 * |-----------------------------|---------------|--------------------|-------------------------|
 * | Done                        | succeeded     | next               | outputs, state changes  |
 * | Retry, attempts left        | queued, later | waits at its head  | attempt row             |
 * | Retry, none left; Fail      | failed        | next, or held      | … , dead letter, outputs|
 * | Delay                       | queued, later | waits at its head  | attempt not counted     |
 * | Cancel, or asked to cancel  | cancelled     | next               | attempt row             |
 * | undecodable                 | invalid       | next               | dead letter             |
 * | stopped by drain or loss    | as it was     | dropped with owner | nothing                 |
 */
import { Clock, Effect, Random } from "effect"
import type { OutgoingRecord } from "../broker/Record.ts"
import { headersOf } from "../domain/Envelope.ts"
import { outputIdOf } from "../domain/ids.ts"
import { fail } from "../domain/Outcome.ts"
import type { Outcome, Output } from "../domain/Outcome.ts"
import { backoffOf, mayRetry } from "../domain/RetryPolicy.ts"
import { storedNameOf } from "../domain/StoredName.ts"
import type { StateRow } from "../journal/Journal.ts"
import { deadLetterOf } from "./DeadLetter.ts"
import type { Flush } from "./Flush.ts"
import type { Lane, LiveTask } from "./Lane.ts"
import * as Mailboxes from "./Mailboxes.ts"
import { storable } from "./TaskSession.ts"
import type { TaskSession } from "./TaskSession.ts"
import type { Timers } from "./Timers.ts"

export interface SettlementOptions {
  readonly flush: Flush
  readonly timers: Timers
  /** A slot is free or a mailbox is ready again. */
  readonly changed: (lane: Lane) => void
  /** A task has ended and left its mailbox. */
  readonly ended: (task: LiveTask) => void
  /** The task's mailbox is blocked until an operator resumes the key. */
  readonly blocked: (task: LiveTask) => void
  /** How many queues of this installation read a topic: what the flow has to wait for. */
  readonly readersOf: (topic: string) => number
  /** `ce_source` of outputs; the queue's name follows. */
  readonly source: string
}

export interface Settlement {
  readonly settle: (task: LiveTask, session: TaskSession | null, outcome: Outcome) => void
  /** The record cannot be read: the task ends before it has begun. */
  readonly invalid: (task: LiveTask, detail: string) => void
  /** Ends a task that is not running as cancelled; false where it is about to run. */
  readonly cancelQueued: (task: LiveTask, by: string) => boolean
  /** Lets a mailbox wait until its head task may start. */
  readonly park: (task: LiveTask, until: number) => void
}

/** JSON of what a handler answered; undefined for what JSON cannot say (cycles, bigints). */
const jsonOf = (value: unknown): string | null | undefined => {
  if (value === null) return null
  try {
    return JSON.stringify(value) ?? null
  } catch {
    return undefined
  }
}

/** A Delay does not count: one that is over already must not become a loop without an end. */
const shortestDelayMs = 100

/** The first place of what a failure hands on; the dead letter has the one before. */
const failurePlace = -2

/** The end of the year 9999: later times are no dates to Postgres or to JavaScript. */
const latest = 253_402_300_799_000

export const makeSettlement = (options: SettlementOptions) =>
  Effect.gen(function* () {
    const { flush, timers, changed } = options
    const clock = yield* Clock.Clock
    const random = yield* Random.Random

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

    /** `placeOf` numbers the outputs among all that a task may ever hand on: those of an end that is not its last too. */
    const outputsOf = (
      task: LiveTask,
      outputs: ReadonlyArray<Output>,
      now: number,
      placeOf: (index: number) => number
    ): ReadonlyArray<OutgoingRecord> => {
      const records = outputs.map((output, index): OutgoingRecord => {
        // Added to what an earlier end called for: an operator may have had the task tried again.
        if (task.flow !== null) task.emitted += options.readersOf(output.topic)
        return {
          topic: output.topic,
          key: output.key,
          value: output.value,
          headers: headersOf({
            id: output.id ? storedNameOf(output.id) : outputIdOf(task.id, placeOf(index)),
            type: output.type,
            source: options.source + task.ownership.lane.actor.name,
            time: now,
            flow: task.flow,
            priority: output.priority ?? task.priority,
            traceparent: task.record!.headers["traceparent"]
          })
        }
      })
      return records
    }

    const statesOf = (task: LiveTask, session: TaskSession): ReadonlyArray<StateRow> => {
      const { keyBytes: key } = task.box
      if (key === null) return []
      const queue = task.ownership.lane.actor.name
      return [...session.changes].map(([name, value]) => ({ task: task.id, queue, key, name, value }))
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
          detail: jsonOf(detail) ?? null
        }
      })

    const letterOf = (task: LiveTask, reason: string, detail: string | null): OutgoingRecord => {
      const { lane, partition } = task.ownership
      return deadLetterOf({
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
    }

    /** The task has ended: the key goes on with the next. */
    const end = (task: LiveTask, now: number) => {
      const { lane } = task.ownership
      task.endedAt = now
      task.notBefore = null
      flush.ended(task)
      Mailboxes.finish(lane.boxes, task.box, now)
      options.ended(task)
      changed(lane)
    }

    const failed = (
      task: LiveTask,
      reason: string,
      detail: unknown,
      now: number,
      outputs: ReadonlyArray<Output> = []
    ) => {
      const { lane } = task.ownership
      task.state = "failed"
      task.reason = storable(reason)
      attemptRow(task, "failed", now, reason, detail)
      const text = typeof detail === "string" ? detail : (jsonOf(detail) ?? null)
      const letter = letterOf(task, reason, text)
      const handedOn = outputsOf(task, outputs, now, (index) => failurePlace - index)
      const { keyBytes: key } = task.box
      const blocks = lane.actor.policy.retry.onExhausted === "block" && key !== null
      if (blocks) Mailboxes.hold(task.box)
      const reasonToHold = `task ${task.id} failed and its queue blocks`
      const holds = blocks ? [{ queue: lane.actor.name, key, reason: reasonToHold }] : []
      task.outbox = { records: [letter, ...handedOn], states: [], holds }
      end(task, now)
      if (blocks) options.blocked(task)
    }

    const again = (task: LiveTask, wanted: number, reason: string) => {
      const until = Math.min(wanted, latest)
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
          const result = jsonOf(outcome.result)
          if (result === undefined) return settle(task, session, fail("its result cannot be written as JSON"))
          task.state = "succeeded"
          task.reason = null
          task.result = result
          const states = session === null ? [] : statesOf(task, session)
          if (outcome.outputs.length > 0 || states.length > 0) {
            task.outbox = { records: outputsOf(task, outcome.outputs, now, (index) => index), states, holds: [] }
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
          return again(task, Math.max(outcome.untilMs, now + shortestDelayMs), outcome.reason)
        }
        case "Fail":
          return failed(task, outcome.reason, outcome.detail, now, outcome.outputs)
        case "Cancel": {
          task.state = "cancelled"
          task.reason = storable(outcome.reason)
          Mailboxes.bar(task.box)
          attemptRow(task, "cancelled", now, outcome.reason, undefined)
          return end(task, now)
        }
      }
    }

    const invalid = (task: LiveTask, detail: string) => {
      task.state = "invalid"
      task.reason = storable(detail)
      task.outbox = { records: [letterOf(task, detail, null)], states: [], holds: [] }
      end(task, clock.currentTimeMillisUnsafe())
    }

    const cancelQueued = (task: LiveTask, by: string) => {
      const now = clock.currentTimeMillisUnsafe()
      const { lane } = task.ownership
      if (task.spilled) Mailboxes.bar(task.box)
      else if (!Mailboxes.withdraw(task.box, task)) return false
      task.state = "cancelled"
      task.reason = storable(`cancelled by ${by}`)
      task.endedAt = now
      task.notBefore = null
      flush.task(task)
      options.ended(task)
      changed(lane)
      return true
    }

    return { settle, invalid, cancelQueued, park } satisfies Settlement
  })
