/**
 * The port to the durable state of tasks. The journal is the truth: what it
 * holds after a crash is what has happened. Every write of an owner carries
 * its epoch, and a write with an epoch that is no longer the newest is refused
 * whole.
 */
import { Context } from "effect"
import type { Effect, Scope } from "effect"
import type { Preface } from "../domain/Preface.ts"
import type { Priority } from "../domain/Outcome.ts"
import type { Schedule } from "../domain/Schedule.ts"
import type { Task } from "../domain/Task.ts"
import type { TaskState } from "../domain/TaskState.ts"
import type { JournalError } from "./JournalError.ts"

export interface QueueInfo {
  readonly name: string
  readonly topic: string
  readonly priority: Priority
  /** Why no worker takes this queue's tasks, where that is so. */
  readonly off: string | null
}

/** How a mailbox is named among the controls. */
export const slotOf = (queue: string, mailboxKey: string): string => `${queue}\n${mailboxKey}`

export interface QueuePartition {
  readonly queue: string
  readonly partition: number
}

export interface Lease {
  readonly epoch: number
  /** The lowest offset that has no row yet. */
  readonly nextOffset: number
  /** Whether the owner before gave it back in order. */
  readonly clean: boolean
}

/** One finished, failed attempt (a success shows in the task itself). */
export interface AttemptRow {
  readonly task: string
  readonly number: number
  readonly startedAt: number
  readonly endedAt: number
  readonly outcome: string
  readonly reason: string | null
  /** JSON. */
  readonly detail: string | null
}

export interface StepRow {
  readonly task: string
  readonly name: string
  /** JSON. */
  readonly result: string
  readonly at: number
}

export interface LogRow {
  readonly task: string
  readonly seq: number
  readonly at: number
  readonly level: string
  readonly message: string
}

/** State of one key of one actor. */
export interface StateRow {
  /** Whose end it goes with: where the row of that task has ended before, it changes nothing. */
  readonly task: string
  readonly queue: string
  readonly key: Uint8Array
  readonly name: string
  /** JSON; null removes it. */
  readonly value: string | null
}

export type CommandKind = "cancel" | "retry"

/** What an owner wrote down since its last flush. */
export interface Batch {
  /**
   * Tells it from the other batches of the same owners; one that was not answered is sent again with its number, and
   * what is in the journal already is not written a second time.
   */
  readonly number: number
  /** The partitions the rest belongs to: the fence, and how far each is journalled. */
  readonly positions: ReadonlyArray<QueuePartition & { readonly epoch: number; readonly nextOffset: number }>
  readonly tasks: ReadonlyArray<Task>
  readonly attempts: ReadonlyArray<AttemptRow>
  readonly steps: ReadonlyArray<StepRow>
  readonly logs: ReadonlyArray<LogRow>
  readonly states: ReadonlyArray<StateRow>
  /** Mailboxes to be paused until an operator resumes the key: their head task is exhausted and the queue blocks. */
  readonly holds: ReadonlyArray<{ readonly queue: string; readonly key: Uint8Array; readonly reason: string }>
  /** Records that were dropped because their id was known: their flow must not wait for them. */
  readonly skips: ReadonlyArray<{ readonly flow: string; readonly task: string; readonly offset: number }>
  /** Numbers of commands that have been carried out. */
  readonly commands: ReadonlyArray<number>
}

export interface PendingCommand {
  /** Another one when the same is asked for again: what was asked for meanwhile is not crossed off with the one before. */
  readonly number: number
  readonly task: string
  readonly kind: CommandKind
  /** Where the task has a row: whose it is and its state. */
  readonly at: (QueuePartition & { readonly state: TaskState }) | null
}

/** What operators want, as it stands now. */
export interface Controls {
  readonly pausedQueues: ReadonlySet<string>
  /** Mailbox keys that are paused in every queue. */
  readonly pausedKeys: ReadonlySet<string>
  /** Mailboxes that are paused, as `slotOf` writes them. */
  readonly pausedSlots: ReadonlySet<string>
  readonly commands: ReadonlyArray<PendingCommand>
  /** Flows that are to end: also by those of their tasks that nobody has read yet. */
  readonly cancelledFlows: ReadonlySet<string>
}

/** An event as a client posted it, ready to be kept. */
export interface NewEvent {
  readonly id: string
  readonly type: string
  readonly user: string
  /** The first queue and the task it makes of the event. */
  readonly queue: string
  readonly task: string
  /** Hash of what was posted: another body under the same id has another. */
  readonly fingerprint: string
  /** JSON. */
  readonly data: string
  /** How many queues read the event's topic. */
  readonly awaits: number
}

/** What became of a posted event: kept now, kept before with the same body, or before with another. */
export type Acceptance = "accepted" | "repeated" | "conflict"

export class Journal extends Context.Service<
  Journal,
  {
    /** Makes the queues known (name, topic, whether they run). */
    readonly register: (queues: ReadonlyArray<QueueInfo>) => Effect.Effect<void, JournalError>
    /** Takes a partition of a queue: a higher epoch, so that the owner before can write no more. */
    readonly lease: (of: QueuePartition & { readonly owner: string }) => Effect.Effect<Lease, JournalError>
    /** Gives it back in order; nothing where the epoch is old. */
    readonly release: (of: QueuePartition & { readonly epoch: number }) => Effect.Effect<void, JournalError>
    /** Tasks that have a row and have not ended, by offset, between `after` and `below` (both exclusive). */
    readonly unfinished: (
      of: QueuePartition & { readonly after: number; readonly below: number; readonly limit: number }
    ) => Effect.Effect<ReadonlyArray<Task>, JournalError>
    /** The highest offset among them; -1 where all have ended. */
    readonly lastUnfinished: (of: QueuePartition) => Effect.Effect<number, JournalError>
    /** Those of one key. */
    readonly backlog: (
      of: QueuePartition & {
        readonly key: Uint8Array
        readonly after: number
        readonly below: number
        readonly limit: number
      }
    ) => Effect.Effect<ReadonlyArray<Task>, JournalError>
    /** Those among `ids`. */
    readonly pending: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Task>, JournalError>
    /** Which of these tasks have a row, and the offset of the record it was made of. */
    readonly known: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, number>, JournalError>
    readonly task: (id: string) => Effect.Effect<Task | null, JournalError>
    /**
     * Writes a batch in one transaction together with `alongside` (the broker's
     * append of outputs). Where a position's epoch is not the newest, nothing
     * is written and those partitions are answered as stale. Where the last
     * batch of a position has the same number, it is this one, which took
     * effect without an answer: nothing is written and none is stale.
     */
    readonly commit: <E, R>(
      batch: Batch,
      alongside: Effect.Effect<unknown, E, R>
    ) => Effect.Effect<ReadonlyArray<QueuePartition>, JournalError | E, R>
    /** Stored results of a task's steps, JSON by name. */
    readonly steps: (task: string) => Effect.Effect<ReadonlyMap<string, string>, JournalError>
    /** State of a key, JSON by name. */
    readonly states: (queue: string, key: Uint8Array) => Effect.Effect<ReadonlyMap<string, string>, JournalError>

    readonly controls: Effect.Effect<Controls, JournalError>
    /** Calls `changed` whenever the controls may have changed, until the scope ends. */
    readonly watchControls: (changed: () => void) => Effect.Effect<void, JournalError, Scope.Scope>
    readonly pauseQueue: (queue: string, paused: boolean, by: string) => Effect.Effect<void, JournalError>
    /** Pauses or resumes a key in every queue; resuming also frees mailboxes that block on an exhausted task. */
    readonly pauseKey: (key: Uint8Array, paused: boolean, by: string) => Effect.Effect<void, JournalError>
    /** Asks the task's owner to cancel it; true where it can still matter. */
    readonly requestCancel: (task: string, by: string) => Effect.Effect<boolean, JournalError>
    /** Which of these tasks and flows are still to be cancelled. */
    readonly askedToCancel: (
      tasks: ReadonlyArray<string>,
      flows: ReadonlyArray<string>
    ) => Effect.Effect<{ readonly tasks: ReadonlySet<string>; readonly flows: ReadonlySet<string> }, JournalError>
    /** Asks the owners of a flow's tasks to cancel them as they read them, until the flow is over. */
    readonly requestFlowCancel: (flow: string, by: string) => Effect.Effect<void, JournalError>
    /** Forgets that wish where the flow is over; of all flows where none is named. */
    readonly forgetFlowCancels: (flow: string | null) => Effect.Effect<void, JournalError>
    /**
     * Compare-and-set from a bad end back to queued; false where the task is in no such state. Wishes to cancel it, or
     * its flow, were for the life that is over.
     */
    readonly requestRetry: (task: string, by: string) => Effect.Effect<boolean, JournalError>

    /**
     * Keeps events that are not known yet, in one transaction with `alongside`,
     * which is given those. Answers in the order of `events`.
     */
    readonly accept: <E, R>(
      events: ReadonlyArray<NewEvent>,
      alongside: (fresh: ReadonlyArray<NewEvent>) => Effect.Effect<unknown, E, R>
    ) => Effect.Effect<ReadonlyArray<Acceptance>, JournalError | E, R>

    /**
     * The rows of `events` for one who knows that none is kept yet and is ready to be refused where one is; null where
     * the journal keeps no rows.
     */
    readonly acceptance: ((events: ReadonlyArray<NewEvent>) => Preface) | null

    /** Adds a schedule or changes its timing; `nextAt` is kept where the timing is the same. */
    readonly putSchedule: (schedule: Schedule) => Effect.Effect<void, JournalError>
    readonly removeSchedule: (id: string) => Effect.Effect<void, JournalError>
    readonly schedules: Effect.Effect<ReadonlyArray<Schedule>, JournalError>
    /**
     * Runs `tick` for the schedules that are due, in one transaction that no
     * other process shares; what it answers is written back with it.
     */
    readonly dueSchedules: <E, R>(
      now: number,
      tick: (due: ReadonlyArray<Schedule>) => Effect.Effect<ReadonlyArray<Schedule>, E, R>
    ) => Effect.Effect<number, JournalError | E, R>
  }
>()("postroom/journal/Journal") {}
