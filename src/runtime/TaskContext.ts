/** What a handler can ask of the runtime while it works. */
import type { Effect } from "effect"

export interface TaskContext {
  readonly id: string
  readonly queue: string
  /** The user (the record's key as text); empty for records without a key. */
  readonly user: string
  readonly type: string
  readonly flow: string | null
  /** 1 for the first attempt. */
  readonly attempt: number
  readonly headers: Readonly<Record<string, string>>
  /** When the record was appended, ms. */
  readonly queuedAt: number
  /** Where the record stands in its topic. */
  readonly partition: number
  readonly offset: number
  /**
   * The lease under which this process holds the partition; every later owner has a higher one. Who writes outside of
   * the journal keeps the highest it has seen, and refuses what comes with a lower one: an owner that was frozen and
   * does not know yet that it was replaced.
   */
  readonly epoch: number
  /**
   * Runs `effect` once per task and name: its result (a JSON value) is stored
   * before the handler goes on, and answered from the store on a repeat. Any text is a name.
   */
  readonly step: <A, E, R>(name: string, effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** A line for the task's page. */
  readonly log: (message: string) => Effect.Effect<void>
  /** How far the task is, any JSON value; shown on its page. */
  readonly progress: (value: unknown) => Effect.Effect<void>
  /** State of this user in this queue, a JSON value; undefined where there is none. */
  readonly getState: <A>(name: string) => Effect.Effect<A | undefined>
  /** Changes the state when, and only when, this task succeeds. Undefined removes it. */
  readonly setState: (name: string, value: unknown) => Effect.Effect<void>
}
