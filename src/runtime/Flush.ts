/**
 * The one loop of a process that writes. As soon as the transaction before has
 * returned and something is dirty, all of it (up to a bound) goes into the
 * next: idle latency is one round trip, and under load the batches grow by
 * themselves. What belongs to a partition that was lost meanwhile is dropped;
 * an owner whose epoch is stale is told so and writes nothing more.
 */
import { Duration, Effect } from "effect"
import { Broker } from "../broker/Broker.ts"
import type { BrokerError } from "../broker/BrokerError.ts"
import { makeSignal } from "../broker/Signal.ts"
import { isFinal } from "../domain/TaskState.ts"
import { Journal } from "../journal/Journal.ts"
import { JournalError, WriteRefused } from "../journal/JournalError.ts"
import { forkLoop } from "./forkLoop.ts"
import { rowOf } from "./LiveTask.ts"
import type { LiveTask, Ownership } from "./Lane.ts"
import { batchOf, halvesOf, refusedOf, refusedOutbox, weightOf } from "./Taken.ts"
import type { Item, Obeyed, Owned, Taken, Waiter } from "./Taken.ts"
import * as Watermark from "./Watermark.ts"

const firstWaitMs = 20
const longestWaitMs = 1_000

/** Most tasks in one transaction. */
const batchLimit = 2_000

/** Most characters and bytes in one transaction: Postgres takes no message of a gigabyte, and ends the connection. */
const mebi = 1 << 20
const weightLimit = 64 * mebi

export interface Flush {
  /** The task's row is to be written as the task stands when the batch is built. */
  readonly task: (task: LiveTask) => void
  /** The same for a task that ends now, behind those that ended before it: what they hand on keeps their order. */
  readonly ended: (task: LiveTask) => void
  readonly item: (ownership: Ownership, item: Item) => void
  /** The command of this number was carried out and can be forgotten, with what its owner made of it or not at all. */
  readonly command: (number: number, by: Ownership | null) => void
  /** The partition's watermark moved without a row (a duplicate was skipped). */
  readonly position: (ownership: Ownership) => void
  /** Calls back once everything that is dirty now is in the journal (or was dropped with its partition). */
  readonly after: (done: () => void) => void
  /** The same as an effect. */
  readonly barrier: Effect.Effect<void>
  /** How many tasks wait to be written. */
  readonly backlog: () => number
}

export interface FlushOptions {
  /** The journal refused an owner: it must stop at once. */
  readonly stale: (ownership: Ownership) => void
  /** A batch was written: these tasks, each with its row as it was written. The task may have gone on since. */
  readonly flushed: (tasks: Taken["tasks"]) => void
}

/** What cannot even be handed to the journal is refused as well: a defect would end the one loop that writes. */
const unwritable = (defect: unknown) =>
  Effect.fail(new JournalError({ operation: "flush", reason: new WriteRefused({ detail: String(defect) }) }))

const tooHeavy = (weight: number) =>
  new JournalError({
    operation: "flush",
    reason: new WriteRefused({ detail: `it has ${Math.ceil(weight / mebi)} MiB, and may have ${weightLimit / mebi}` })
  })

/** The flush loop of this process; it runs as long as the scope is open. */
export const makeFlush = (options: FlushOptions) =>
  Effect.gen(function* () {
    const journal = yield* Journal
    const broker = yield* Broker
    const bell = makeSignal()
    const tasks = new Set<LiveTask>()
    let items: Array<Owned> = []
    let commands: Array<Obeyed> = []
    let positions = new Set<Ownership>()
    let waiters: Array<Waiter> = []
    // Dirty tasks leave in the order in which they came: a waiter's are written once as many have left as had come.
    let came = 0
    let left = 0
    let batches = 0
    const number = () => ++batches

    const isDirty = () =>
      tasks.size > 0 || items.length > 0 || commands.length > 0 || positions.size > 0 || waiters.length > 0

    const take = (): Taken => {
      const rows: Array<Taken["tasks"][number]> = []
      const touched = positions
      for (const task of tasks) {
        if (rows.length >= batchLimit) break
        tasks.delete(task)
        left++
        if (!task.ownership.alive) continue
        task.written = true
        Watermark.journalled(task.ownership.mark, task.offset)
        touched.add(task.ownership)
        rows.push([task, rowOf(task), isFinal(task.state) ? task.outbox : null])
      }
      for (const { ownership } of items) touched.add(ownership)
      for (const { by } of commands) if (by !== null) touched.add(by)
      const written = waiters.filter((waiter) => waiter.came <= left)
      const taken: Taken = {
        number: number(),
        tasks: rows,
        items,
        commands,
        positions: touched,
        waiters: written,
        isWhole: true
      }
      items = []
      commands = []
      positions = new Set()
      if (written.length > 0) waiters = waiters.filter((waiter) => waiter.came > left)
      return taken
    }

    const write = (taken: Taken): Effect.Effect<void, JournalError | BrokerError> =>
      Effect.suspend(() => {
        const { batch, outputs } = batchOf(taken)
        // As it stands now: it moves on while the transaction is under way.
        const marks = taken.isWhole ? [...taken.positions].map((one) => [one, one.mark.next] as const) : []
        if (batch.positions.length === 0 && batch.commands.length === 0) return Effect.void
        return Effect.flatMap(
          Effect.catchDefect(
            journal.commit(batch, outputs.length === 0 ? Effect.void : broker.handOver(outputs)),
            unwritable
          ),
          (stale) => {
            if (stale.length === 0) {
              for (const [ownership, next] of marks) ownership.written = Math.max(ownership.written, next)
              return Effect.void
            }
            for (const ownership of taken.positions) {
              const { lane, partition } = ownership
              if (stale.some((s) => s.queue === lane.actor.name && s.partition === partition)) options.stale(ownership)
            }
            return write(taken)
          }
        )
      })

    /** What was not answered may have taken effect: it is written again under its number, by which the journal knows. */
    const untilItAnswers = (taken: Taken, waitMs = firstWaitMs): Effect.Effect<void, JournalError | BrokerError> =>
      Effect.catch(write(taken), (error) =>
        error.isRetryable
          ? Effect.logWarning("the flush failed, trying again", error.message).pipe(
              Effect.andThen(Effect.sleep(Duration.millis(waitMs))),
              Effect.andThen(untilItAnswers(taken, Math.min(waitMs * 2, longestWaitMs)))
            )
          : Effect.fail(error)
      )

    /**
     * A write that the journal refuses must not stop all others: the batch is
     * halved until it stands alone, and then goes without what was refused.
     */
    const writeAll = (taken: Taken): Effect.Effect<void> => {
      const weight = weightOf(taken)
      const written = weight > weightLimit ? Effect.fail(tooHeavy(weight)) : untilItAnswers(taken)
      return Effect.catch(written, (error) => {
        const size = taken.tasks.length + taken.items.length
        if (size > 1) {
          const [first, second] = halvesOf(taken, number)
          return Effect.andThen(writeAll(first), writeAll(second))
        }
        const [task] = taken.tasks
        const logged = Effect.logError("the journal refused a write, it goes without it", error.message)
        if (task === undefined || task[2] === refusedOutbox) return logged
        const tasks = [refusedOf(task, error.message)]
        return Effect.andThen(logged, writeAll({ ...taken, number: number(), tasks }))
      })
    }

    const round = Effect.gen(function* () {
      // Who rang may be in the middle of settling a task: all that belongs together goes into one transaction.
      if (!isDirty()) yield* Effect.andThen(bell.wait, Effect.yieldNow)
      if (!isDirty()) return
      const taken = take()
      yield* writeAll(taken)
      options.flushed(taken.tasks)
      for (const { done } of taken.waiters) done()
    })
    yield* forkLoop("the flush loop", round)

    const mark = (task: LiveTask) => {
      if (!tasks.has(task)) {
        tasks.add(task)
        came++
      }
      bell.ring()
    }

    const after = (done: () => void) => {
      waiters.push({ done, came })
      bell.ring()
    }
    return {
      task: mark,
      ended: (task) => {
        if (tasks.delete(task)) left++
        mark(task)
      },
      item: (ownership, item) => {
        items.push({ ownership, item })
        bell.ring()
      },
      command: (command, by) => {
        commands.push({ command, by })
        bell.ring()
      },
      position: (ownership) => {
        positions.add(ownership)
        bell.ring()
      },
      after,
      barrier: Effect.callback<void>((resume) => {
        after(() => resume(Effect.void))
      }),
      backlog: () => tasks.size
    } satisfies Flush
  })
