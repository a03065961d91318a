/**
 * What a handler may answer. The set is closed: the runtime knows what to do
 * with each of the five, and with nothing else.
 */

/** A record that a finished task hands on, already encoded for its topic. */
export interface Output {
  readonly topic: string
  /** Bytes of the record's key; null lets every record have a mailbox of its own. */
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** CloudEvents type, `ce_type`. */
  readonly type: string
  readonly priority?: Priority | undefined
  /**
   * Id of the record; by default made of the task and the output's place. A repeat of an id is dropped by readers.
   * One of more than 256 characters is borne as a UUID that is made of it.
   */
  readonly id?: string | undefined
}

/** Priority class of a record: what its user waits for, the ordinary, and what may wait. */
export type Priority = "high" | "medium" | "low"

export const priorities: ReadonlyArray<Priority> = ["high", "medium", "low"]

export type Outcome = Done | Retry | Delay | Fail | Cancel

/** The task succeeded; `result` is kept with it, `outputs` are appended in the same transaction. */
export interface Done {
  readonly _tag: "Done"
  readonly result: unknown
  readonly outputs: ReadonlyArray<Output>
}

/** Try again, after `afterMs` or by the queue's policy; counts as an attempt. */
export interface Retry {
  readonly _tag: "Retry"
  readonly reason: string
  readonly afterMs?: number | undefined
}

/** Go on at `untilMs` (ms since the epoch): a rate limit, a FLOOD_WAIT. Not an attempt. */
export interface Delay {
  readonly _tag: "Delay"
  readonly reason: string
  readonly untilMs: number
}

/** Give up: the task is failed and its record goes to the dead letters; `outputs` tell others, in the same transaction. */
export interface Fail {
  readonly _tag: "Fail"
  readonly reason: string
  readonly detail?: unknown
  readonly outputs?: ReadonlyArray<Output> | undefined
}

/** Ended on purpose, without a dead letter. */
export interface Cancel {
  readonly _tag: "Cancel"
  readonly reason: string
}

export const done = (result: unknown = null, outputs: ReadonlyArray<Output> = []): Done => ({
  _tag: "Done",
  result,
  outputs
})
export const retry = (reason: string, afterMs?: number): Retry => ({ _tag: "Retry", reason, afterMs })
export const delay = (reason: string, untilMs: number): Delay => ({ _tag: "Delay", reason, untilMs })
export const fail = (reason: string, detail?: unknown, outputs?: ReadonlyArray<Output>): Fail => ({
  _tag: "Fail",
  reason,
  detail,
  outputs
})
export const cancel = (reason: string): Cancel => ({ _tag: "Cancel", reason })

const tags = new Set(["Done", "Retry", "Delay", "Fail", "Cancel"])

/** Whether a handler's value is one of the five (anything else is taken as the result of a `Done`). */
export const isOutcome = (value: unknown): value is Outcome =>
  typeof value === "object" && value !== null && "_tag" in value && tags.has((value as { _tag: string })._tag)
