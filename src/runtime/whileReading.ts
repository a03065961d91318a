/**
 * Rows that are read from the journal may be older than what is known here: a
 * task that ended between the question and its answer would be taken up once
 * more by a row that says that it waits. Who reads rows to make tasks of them
 * is told what ended meanwhile.
 */
import { Effect } from "effect"
import type { Ownership } from "./Lane.ts"

/** What `read` answers, and the ids of the tasks of these owners whose end was written since it was asked. */
export const whileReading = <A, E, R>(
  ownerships: ReadonlyArray<Ownership>,
  read: Effect.Effect<A, E, R>
): Effect.Effect<{ readonly answer: A; readonly ended: ReadonlySet<string> }, E, R> =>
  Effect.suspend(() => {
    const ended = new Set<string>()
    for (const { rowReaders } of ownerships) rowReaders.add(ended)
    return Effect.ensuring(
      Effect.map(read, (answer) => ({ answer, ended })),
      Effect.sync(() => {
        for (const { rowReaders } of ownerships) rowReaders.delete(ended)
      })
    )
  })
