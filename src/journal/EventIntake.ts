/** The port by which events come in: checked events go in, and what became of each comes out once it is on disk. */
import { Context } from "effect"
import type { Effect } from "effect"
import type { Priority } from "../domain/Outcome.ts"
import type { Acceptance, NewEvent } from "./Journal.ts"
import type { JournalError } from "./JournalError.ts"

/** An event that was checked against its type. */
export interface CheckedEvent extends NewEvent {
  readonly topic: string
  readonly priority?: Priority | undefined
  /** When it is to start, ms since the epoch; null for now. */
  readonly at: number | null
}

export class EventIntake extends Context.Service<
  EventIntake,
  {
    /** Keeps the events and answers, when they are on disk, what became of each. */
    readonly submit: (events: ReadonlyArray<CheckedEvent>) => Effect.Effect<ReadonlyArray<Acceptance>, JournalError>
  }
>()("postroom/journal/EventIntake") {}
