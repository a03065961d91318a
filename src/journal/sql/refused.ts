/** Turns what Postgres answers into the journal's own words. */
import { Effect } from "effect"
import { SqlError } from "effect/sql"
import { brokenAsError } from "../../database/brokenTransaction.ts"
import { JournalError, JournalUnavailable, WriteRefused } from "../JournalError.ts"

const refusing = new Set(["ConstraintError", "SqlSyntaxError", "UniqueViolation"])

/** Maps the SqlErrors of `operation` to a JournalError and lets all other errors pass. */
export const refused =
  (operation: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, JournalError | Exclude<E, SqlError.SqlError>, R> =>
    Effect.mapError(brokenAsError(effect), (error) =>
      SqlError.isSqlError(error)
        ? new JournalError({
            operation,
            reason: refusing.has(error.reason._tag)
              ? new WriteRefused({ detail: error.message })
              : new JournalUnavailable({ detail: error.message })
          })
        : (error as Exclude<E, SqlError.SqlError>)
    )
