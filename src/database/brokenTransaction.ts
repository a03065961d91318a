/**
 * A transaction whose connection breaks half-way cannot send its ROLLBACK, and
 * the client calls that a defect. It is an ordinary loss of the connection:
 * nothing was committed, and trying again can help.
 */
import { Cause, Effect } from "effect"
import { SqlError } from "effect/sql"

const sqlErrorIn = (cause: Cause.Cause<unknown>): SqlError.SqlError | undefined => {
  for (const reason of cause.reasons) {
    if (Cause.isDieReason(reason) && SqlError.isSqlError(reason.defect)) return reason.defect
  }
  return undefined
}

/** Lets the SqlError of a broken transaction be the error of the effect again; other defects stay what they are. */
export const brokenAsError = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError.SqlError, R> =>
  Effect.catchCause(effect, (cause): Effect.Effect<never, E | SqlError.SqlError> => {
    const error = sqlErrorIn(cause)
    return error === undefined ? Effect.failCause(cause) : Effect.fail(error)
  })
