/**
 * What a process holds in memory: its actors (lanes), the partitions it owns of
 * each, and the tasks of those. Plain state; every part of the runtime works on
 * it, and nothing here knows how.
 */
import type { Fiber } from "effect"
import type { Membership } from "../broker/Broker.ts"
import type { OutgoingRecord } from "../broker/Record.ts"
import type { Priority } from "../domain/Outcome.ts"
import type { TaskRecord } from "../domain/Task.ts"
import type { TaskState } from "../domain/TaskState.ts"
import type { Batch, StateRow } from "../journal/Journal.ts"
import type { Actor } from "./Actor.ts"
import type { Mailbox, Mailboxes } from "./Mailboxes.ts"
import type { Bucket } from "./RateLimit.ts"
import type { Watermark } from "./Watermark.ts"

/** Why the runtime interrupts an attempt. */
export type StopReason = "cancel" | "timeout" | "drain" | "lost"

/** What a task leaves behind, written in the transaction of its final row or not at all. */
export interface Outbox {
  readonly records: ReadonlyArray<OutgoingRecord>
  readonly states: ReadonlyArray<StateRow>
  readonly holds: Batch["holds"]
}

export interface LiveTask {
  readonly id: string
  readonly offset: number
  readonly type: string
  readonly flow: string | null
  readonly priority: Priority
  readonly queuedAt: number
  readonly ownership: Ownership
  readonly box: Mailbox<LiveTask>
  /** Null while it is parked for long: read again from the journal before the start. */
  record: TaskRecord | null
  /** Made of a row: it may have ended before and been retried. */
  readonly fromRow: boolean
  /** How many looks at the controls had begun when it came. */
  readonly looks: number
  /** When it came into this process, by the monotonic clock, ms. */
  readonly loadedAt: number
  state: TaskState
  attempt: number
  crashes: number
  emitted: number
  startedAt: number | null
  endedAt: number | null
  notBefore: number | null
  reason: string | null
  result: string | null
  progress: string | null
  /** Has a row in the journal, or will have one with the batch under way. */
  written: boolean
  /** The attempt whose running has been written down. */
  announced: number
  /** Left to the journal: it stands in no mailbox and is forgotten once its row is written. */
  spilled: boolean
  /** What goes with its final row; null where there is nothing. */
  outbox: Outbox | null
  stop: StopReason | null
  fiber: Fiber.Fiber<unknown, unknown> | null
  /** By the monotonic clock, ms. */
  deadline: number
  logSeq: number
}

/** What one actor has in this process. */
export interface Lane {
  readonly actor: Actor<any>
  readonly boxes: Mailboxes<LiveTask>
  readonly owned: Map<number, Ownership>
  /** Partitions that the broker has yet to be told are free. */
  readonly unreleased: Set<number>
  readonly bucket: Bucket | null
  /** Decodes a record's value by the topic's Schema. */
  readonly decode: (
    value: unknown
  ) => { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly detail: string }
  membership: Membership | null
  /** An operator paused the queue. */
  paused: boolean
  /** Looks at the controls that have begun. */
  looks: number
  /** Its intake stands still because enough is in memory. */
  full: boolean
  /** Tasks started since the process began, for the watchdog. */
  started: number
  /** Records taken in, likewise. */
  read: number
}

/**
 * `alive` → (revoked) `draining` → released; `alive` or `draining` → (lost,
 * stale epoch) dead. What is dead writes nothing: every write asks `alive`.
 */
export interface Ownership {
  readonly lane: Lane
  readonly partition: number
  readonly epoch: number
  readonly mark: Watermark
  /** Tasks in memory by id, until their end is in the journal. */
  readonly live: Map<string, LiveTask>
  /** What ended since each of those who read rows asked for them (whileReading.ts). */
  readonly rowReaders: Set<Set<string>>
  /** Whether the owner before ended without giving it back. */
  readonly crashed: boolean
  /**
   * Up to this offset, records may be read again whose tasks have a row that is not final. They come back in the
   * order of the log, between those that have none; a row alone would overtake what was only in the memory of a
   * process that died.
   */
  readonly replayTo: number
  /** Records below this offset may have been running when an owner died: their starts are journalled first. */
  readonly carefulBelow: number
  alive: boolean
  draining: boolean
  /** The lowest offset that is not known to be in the journal: the watermark, once its transaction has returned. */
  written: number
  /** The offset last told to the broker; -1 before. */
  committed: number
}
