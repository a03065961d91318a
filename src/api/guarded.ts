/** What goes wrong behind a handler, as the API says it: a journal that does not answer is a 503, nothing is a 500. */
import { Effect } from "effect"
import { SqlError } from "effect/sql"
import { JournalError } from "../journal/JournalError.ts"
import { Unavailable } from "./Problems.ts"

const isOurs = (error: unknown): error is JournalError | SqlError.SqlError =>
  error instanceof JournalError || SqlError.isSqlError(error)

/** Maps errors of journal and database; all others pass. */
export const guarded = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, Unavailable | Exclude<E, JournalError | SqlError.SqlError>, R> =>
  Effect.catch(effect, (error): Effect.Effect<never, Unavailable | Exclude<E, JournalError | SqlError.SqlError>> =>
    isOurs(error)
      ? Effect.andThen(
          Effect.logWarning("a request could not be served", error.message),
          Effect.fail(Unavailable.of("the journal does not answer, try again"))
        )
      : Effect.fail(error as Exclude<E, JournalError | SqlError.SqlError>)
  )
