/**
 * The one loop of a process that writes. As soon as the transaction before has
 * returned and something is dirty, all of it (up to a bound) goes into the
 * next: idle latency is one round trip, and under load the batches grow by
 * themselves. What belongs to a partition that was lost meanwhile is dropped;
 * an owner whose epoch is stale is told so and writes nothing more.
 */
import { Effect, Schedule } from "effect"
import { Broker } from "../broker/Broker.ts"
import type { BrokerError } from "../broker/BrokerError.ts"
import type { OutgoingRecord } from "../broker/Record.ts"
import { makeSignal } from "../broker/Signal.ts"
import { isFinal } from "../domain/TaskState.ts"
import { Journal } from "../journal/Journal.ts"
import type { AttemptRow, Batch, LogRow, StateRow, StepRow } from "../journal/Journal.ts"
import type { JournalError } from "../journal/JournalError.ts"
import { forkLoop } from "./forkLoop.ts"
import { rowOf } from "./LiveTask.ts"
import type { LiveTask, Outbox, Ownership } from "./Lane.ts"
import type { Task } from "../domain/Task.ts"
import * as Watermark from "./Watermark.ts"

/** Most tasks in one transaction. */
const batchLimit = 2_000

type Command = Batch["commands"][number]

/** Everything that may be written, with the partition whose fence covers it. */
type Item =
  | { readonly kind: "attempt"; readonly row: AttemptRow }
  | { readonly kind: "step"; readonly row: StepRow }
  | { readonly kind: "log"; readonly row: LogRow }
  | { readonly kind: "skip"; readonly row: Batch["skips"][number] }

interface Owned {
  readonly ownership: Ownership
  readonly item: Item
}

export interface Flush {
  /** The task's row is to be written as the task stands when the batch is built. */
  readonly task: (task: LiveTask) => void
  readonly item: (ownership: Ownership, item: Item) => void
  /** A command was carried out and can be forgotten. */
  readonly command: (command: Command) => void
  /** The partition's watermark moved without a row (a duplicate was skipped). */
  readonly position: (ownership: Ownership) => void
  /** Calls back once everything that is dirty now is in the journal (or was dropped with its partition). */
  readonly after: (done: () => void) => void
  /** The same as an effect. */
  readonly barrier: Effect.Effect<void>
}

export interface FlushOptions {
  /** The journal refused an owner: it must stop at once. */
  readonly stale: (ownership: Ownership) => void
  /** A batch was written: these tasks are final in the journal. */
  readonly flushed: (tasks: ReadonlyArray<LiveTask>) => void
}

interface Taken {
  readonly tasks: ReadonlyArray<readonly [LiveTask, Task, Outbox | null]>
  readonly items: ReadonlyArray<Owned>
  readonly commands: ReadonlyArray<Command>
  readonly positions: ReadonlySet<Ownership>
  readonly waiters: ReadonlyArray<() => void>
}

/** The flush loop of this process; it runs as long as the scope is open. */
export const makeFlush = (options: FlushOptions) =>
  Effect.gen(function* () {
    const journal = yield* Journal
    const broker = yield* Broker
    const bell = makeSignal()
    const tasks = new Set<LiveTask>()
    let items: Array<Owned> = []
    let commands: Array<Command> = []
    let positions = new Set<Ownership>()
    let waiters: Array<() => void> = []

    const isDirty = () =>
      tasks.size > 0 || items.length > 0 || commands.length > 0 || positions.size > 0 || waiters.length > 0

    const take = (): Taken => {
      const rows: Array<Taken["tasks"][number]> = []
      const touched = positions
      for (const task of tasks) {
        if (rows.length >= batchLimit) break
        tasks.delete(task)
        if (!task.ownership.alive) continue
        task.written = true
        Watermark.journalled(task.ownership.mark, task.offset)
        touched.add(task.ownership)
        rows.push([task, rowOf(task), isFinal(task.state) ? task.outbox : null])
      }
      for (const { ownership } of items) touched.add(ownership)
      const isAll = tasks.size === 0
      // A waiter is answered when all it saw dirty is written: not before the last part of a large backlog.
      const taken: Taken = { tasks: rows, items, commands, positions: touched, waiters: isAll ? waiters : [] }
      items = []
      commands = []
      positions = new Set()
      if (isAll) waiters = []
      return taken
    }

    /** What of `taken` may still be written. */
    const batchOf = (taken: Taken): { readonly batch: Batch; readonly outputs: ReadonlyArray<OutgoingRecord> } => {
      const outputs: Array<OutgoingRecord> = []
      const rows: Array<Task> = []
      const states: Array<StateRow> = []
      const holds: Array<Batch["holds"][number]> = []
      for (const [task, row, outbox] of taken.tasks) {
        if (!task.ownership.alive) continue
        rows.push(row)
        if (outbox === null) continue
        outputs.push(...outbox.records)
        states.push(...outbox.states)
        holds.push(...outbox.holds)
      }
      const attempts: Array<AttemptRow> = []
      const steps: Array<StepRow> = []
      const logs: Array<LogRow> = []
      const skips: Array<Batch["skips"][number]> = []
      for (const { ownership, item } of taken.items) {
        if (!ownership.alive) continue
        if (item.kind === "attempt") attempts.push(item.row)
        else if (item.kind === "step") steps.push(item.row)
        else if (item.kind === "log") logs.push(item.row)
        else skips.push(item.row)
      }
      const fences: Array<Batch["positions"][number]> = []
      for (const ownership of taken.positions) {
        if (!ownership.alive) continue
        const { lane, partition, epoch, mark } = ownership
        fences.push({ queue: lane.actor.name, partition, epoch, nextOffset: mark.next })
      }
      return {
        batch: { positions: fences, tasks: rows, attempts, steps, logs, states, holds, skips, commands: taken.commands },
        outputs
      }
    }

    const write = (taken: Taken): Effect.Effect<void, JournalError | BrokerError> =>
      Effect.suspend(() => {
        const { batch, outputs } = batchOf(taken)
        if (batch.positions.length === 0 && batch.commands.length === 0) return Effect.void
        return Effect.flatMap(
          journal.commit(batch, outputs.length === 0 ? Effect.void : broker.append(outputs)),
          (stale) => {
            if (stale.length === 0) return Effect.void
            for (const ownership of taken.positions) {
              const { lane, partition } = ownership
              if (stale.some((s) => s.queue === lane.actor.name && s.partition === partition)) options.stale(ownership)
            }
            return write(taken)
          }
        )
      })

    const round = Effect.gen(function* () {
      if (!isDirty()) yield* bell.wait
      if (!isDirty()) return
      const taken = take()
      yield* write(taken).pipe(
        Effect.tapError((error) => Effect.logWarning("the flush failed, trying again", error.message)),
        Effect.retry(Schedule.min([Schedule.exponential("20 millis"), Schedule.spaced("1 second")]))
      )
      options.flushed(taken.tasks.map(([task]) => task))
      for (const done of taken.waiters) done()
    })
    yield* forkLoop("the flush loop", round)

    const after = (done: () => void) => {
      waiters.push(done)
      bell.ring()
    }
    return {
      task: (task) => {
        tasks.add(task)
        bell.ring()
      },
      item: (ownership, item) => {
        items.push({ ownership, item })
        bell.ring()
      },
      command: (command) => {
        commands.push(command)
        bell.ring()
      },
      position: (ownership) => {
        positions.add(ownership)
        bell.ring()
      },
      after,
      barrier: Effect.callback<void>((resume) => {
        after(() => resume(Effect.void))
      })
    } satisfies Flush
  })
