/** Turns what Postgres answers into the journal's own words. */
import { Effect } from "effect"
import { SqlError } from "effect/sql"
import { brokenAsError } from "../../database/brokenTransaction.ts"
import { isRefusal, saidBy } from "../../database/refusal.ts"
import { JournalError, JournalUnavailable, WriteRefused } from "../JournalError.ts"

/** Maps the SqlErrors of `operation` to a JournalError and lets all other errors pass. */
export const refused =
  (operation: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, JournalError | Exclude<E, SqlError.SqlError>, R> =>
    Effect.mapError(brokenAsError(effect), (error) =>
      SqlError.isSqlError(error)
        ? new JournalError({
            operation,
            reason: isRefusal(error)
              ? new WriteRefused({ detail: saidBy(error) })
              : new JournalUnavailable({ detail: saidBy(error) })
          })
        : (error as Exclude<E, SqlError.SqlError>)
    )
