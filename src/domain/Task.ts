/** A task as the journal keeps it: one record as handled by one actor. */
import type { Priority } from "./Outcome.ts"
import type { TaskState } from "./TaskState.ts"

/** The bytes a task was made of, kept while it may still run. */
export interface TaskRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: Readonly<Record<string, string>>
}

export interface Task {
  readonly id: string
  readonly queue: string
  readonly partition: number
  readonly offset: number
  /** The key as text, shortened; null for records without one. */
  readonly user: string | null
  readonly type: string
  /** Id of the event this task descends from; null for records that nobody posted as an event. */
  readonly flow: string | null
  readonly priority: Priority
  readonly state: TaskState
  /** Attempts that have started and counted (a Delay does not). */
  readonly attempt: number
  /** How often a worker died while this task was running. */
  readonly crashes: number
  /** Tasks that its outputs will make, for knowing when the flow has ended. */
  readonly emitted: number
  /** Times in ms since the epoch. */
  readonly queuedAt: number
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly notBefore: number | null
  /** Why it waits or how it ended, in one line. */
  readonly reason: string | null
  /** JSON. */
  readonly result: string | null
  /** JSON. */
  readonly progress: string | null
  readonly record: TaskRecord | null
}

/** Bytes of a key that are shown. Every user that the API takes is shown whole: 200 characters of at most four. */
const longestUser = 800

/** Bytes of the longest key: beside a name it must fit into an entry of an index, and each mailbox holds one. */
export const longestKey = 1_024

const encoder = new TextEncoder()
/** Takes a mark of the byte order for what it is in a name: a character. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/**
 * A key for eyes and indexes: UTF-8 as far as it is, without NUL (which Postgres
 * text cannot hold) and never longer than an index entry may be.
 */
export const userOf = (key: Uint8Array | null): string | null =>
  key === null ? null : decoder.decode(key.subarray(0, longestUser)).replaceAll("\0", "\uFFFD")

/** A key as a map key: one string per byte sequence, whatever the bytes are. */
export const mailboxKeyOf = (key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1")

/** The bytes of a user id that came as text. */
export const keyOf = (user: string): Uint8Array => encoder.encode(user)
