/**
 * Rows that are read from the journal may be older than what is known here: a
 * task that ended between the question and its answer would be taken up once
 * more by a row that says that it waits. Who reads rows to make tasks of them
 * is told what ended meanwhile, and what of them is to be cancelled.
 */
import { Effect } from "effect"
import type { Task } from "../domain/Task.ts"
import type { Ownership } from "./Lane.ts"
import type { Confirmed } from "./Wishes.ts"

export interface RowsRead {
  readonly rows: ReadonlyArray<Task>
  /** Asked after the rows were read: a wish from before would be of an earlier life. */
  readonly confirmed: Confirmed
  /** Tasks of these owners whose end was written since the rows were asked for. */
  readonly ended: ReadonlySet<string>
}

/** What `read` answers, and what of it `confirm` has to be cancelled; what is done with it must follow at once. */
export const whileReading = <E, R>(
  ownerships: ReadonlyArray<Ownership>,
  read: Effect.Effect<ReadonlyArray<Task>, E, R>,
  confirm: (rows: ReadonlyArray<Task>) => Effect.Effect<Confirmed, E, R>
): Effect.Effect<RowsRead, E, R> =>
  Effect.suspend(() => {
    const ended = new Set<string>()
    for (const { rowReaders } of ownerships) rowReaders.add(ended)
    return Effect.ensuring(
      Effect.flatMap(read, (rows) => Effect.map(confirm(rows), (confirmed) => ({ rows, confirmed, ended }))),
      Effect.sync(() => {
        for (const { rowReaders } of ownerships) rowReaders.delete(ended)
      })
    )
  })
