/**
 * One attempt from start to end: decode the record, run the handler as a fiber
 * with a deadline, and hand its end to the settlement. An attempt that may take
 * the process with it is journalled before it starts.
 */
import { Clock, Duration, Effect, Exit } from "effect"
import type { Fiber } from "effect"
import { unreadableHeader } from "../broker/Record.ts"
import { fail, retry } from "../domain/Outcome.ts"
import { longestKey } from "../domain/Task.ts"
import { Journal } from "../journal/Journal.ts"
import type { Flush } from "./Flush.ts"
import type { Lane, LiveTask, StopReason } from "./Lane.ts"
import * as Mailboxes from "./Mailboxes.ts"
import { monotonicMs } from "./monotonic.ts"
import { outcomeOf } from "./outcomeOf.ts"
import type { Settlement } from "./Settlement.ts"
import { makeSession } from "./TaskSession.ts"
import type { TaskSession } from "./TaskSession.ts"

export interface AttemptsOptions<R> {
  readonly flush: Flush
  readonly settlement: Settlement
  readonly runFork: (effect: Effect.Effect<unknown, unknown, R>) => Fiber.Fiber<unknown, unknown>
  /** A slot is free or a mailbox is ready again. */
  readonly changed: (lane: Lane) => void
}

export interface Attempts {
  /** Runs the head task of a mailbox that was taken. */
  readonly start: (task: LiveTask) => void
  /** Interrupts a running attempt; its end is settled by the reason. */
  readonly stop: (task: LiveTask, reason: StopReason) => void
}

const decoder = new TextDecoder("utf-8", { fatal: true })

type Decoded = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly detail: string }

const decode = (task: LiveTask): Decoded => {
  const { key, value: bytes, headers } = task.record!
  const unreadable = headers[unreadableHeader]
  if (unreadable !== undefined) return { ok: false, detail: unreadable }
  if (key !== null && key.length > longestKey) {
    return { ok: false, detail: `the key has ${key.length} bytes, and may have ${longestKey}` }
  }
  if (bytes === null) return { ok: false, detail: "the record has no value" }
  let parsed: unknown
  try {
    parsed = JSON.parse(decoder.decode(bytes))
  } catch (error) {
    return { ok: false, detail: `the value is not JSON in UTF-8: ${(error as Error).message}` }
  }
  return task.ownership.lane.decode(parsed)
}

export const makeAttempts = <R>(options: AttemptsOptions<R>) =>
  Effect.gen(function* () {
    const { flush, settlement, changed } = options
    const { settle, invalid } = settlement
    const journal = yield* Journal
    const clock = yield* Clock.Clock

    const ended = (task: LiveTask, session: TaskSession, exit: Exit.Exit<unknown, unknown>) => {
      task.fiber = null
      if (!task.ownership.alive) return
      const { stop } = task
      task.stop = null
      // Who finished in one piece, before it could hear of the wish, has finished. An uninterruptible part keeps its effects
      // and not its answer: Effect ends such a fiber as interrupted.
      if (stop === null || Exit.isSuccess(exit)) return settle(task, session, outcomeOf(exit))
      if (stop === "cancel") return settle(task, session, { _tag: "Cancel", reason: "cancelled while it was running" })
      if (stop === "timeout") {
        return settle(task, session, retry(`no answer within ${task.ownership.lane.actor.policy.timeoutMs} ms`))
      }
      requeue(task)
    }

    /** Put back, to run again here or by the next owner; this attempt does not count. */
    const requeue = (task: LiveTask) => {
      task.attempt -= 1
      task.state = "queued"
      if (task.written) flush.task(task)
      const { boxes } = task.ownership.lane
      Mailboxes.wait(boxes, task.box)
      if (!task.ownership.draining) Mailboxes.wake(boxes, task.box, clock.currentTimeMillisUnsafe())
      changed(task.ownership.lane)
    }

    const run = (task: LiveTask) => {
      const { lane } = task.ownership
      const now = clock.currentTimeMillisUnsafe()
      const decoded = decode(task)
      if (!decoded.ok) return invalid(task, decoded.detail)
      task.startedAt = now
      task.deadline = monotonicMs(clock) + lane.actor.policy.timeoutMs
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
        Effect.catch((error) =>
          Effect.andThen(
            Effect.logWarning("a parked task could not be read", error.message),
            Effect.sleep(Duration.millis(askAgainMs))
          )
        )
      )

    /** Ends what was told to end while it waited for its turn; false where it may begin. */
    const endIfCancelled = (task: LiveTask): boolean => {
      if (task.stop !== "cancel") return false
      task.stop = null
      settle(task, null, { _tag: "Cancel", reason: "cancelled before it ran" })
      return true
    }

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
        if (endIfCancelled(task)) return
        if (task.record === null) return void options.runFork(Effect.andThen(reload(task), Effect.sync(go)))
        run(task)
      }
      if (task.crashes >= poisonous + aloneDeaths) {
        task.startedAt = clock.currentTimeMillisUnsafe()
        if (endIfCancelled(task)) return
        if (task.record !== null)
          return settle(task, null, fail("crashed the worker", `a worker died ${task.crashes} times while it ran`))
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
      stop: (task, reason) => {
        if (task.stop !== null && reason !== "lost") return
        task.stop = reason
        task.fiber?.interruptUnsafe()
      }
    } satisfies Attempts
  })

/** A task that was running in so many crashes is run alone from then on. */
export const poisonous = 3

/** How soon a journal that did not answer is asked for a parked task again, ms. */
const askAgainMs = 100

/**
 * A task whose worker died so often while it ran alone is failed. One such death proves little: whoever kills workers
 * again and again from outside hits the task that every start begins with, and one that takes long by chance.
 */
const aloneDeaths = 3
