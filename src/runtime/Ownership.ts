/** One partition of one actor, as long as this process owns it. */
import type { Membership } from "../broker/Broker.ts"
import type { Actor } from "./Actor.ts"
import type { LiveTask } from "./LiveTask.ts"
import type { Mailboxes } from "./Mailboxes.ts"
import type { Bucket } from "./RateLimit.ts"
import type { Watermark } from "./Watermark.ts"

/** What one actor has in this process. */
export interface Lane {
  readonly actor: Actor<any>
  readonly boxes: Mailboxes<LiveTask>
  readonly owned: Map<number, Ownership>
  readonly bucket: Bucket | null
  /** Decodes a record's value by the topic's Schema. */
  readonly decode: (value: unknown) => { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly detail: string }
  membership: Membership | null
  /** An operator paused the queue. */
  paused: boolean
  /** Its intake stands still because enough is in memory. */
  full: boolean
  /** Tasks started since the process began, for the watchdog. */
  started: number
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
  /** Records below this offset may have been running when an owner died: their starts are journalled first. */
  readonly carefulBelow: number
  alive: boolean
  draining: boolean
  /** The offset last told to the broker. */
  committed: number
}
