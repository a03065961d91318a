/** Turns what Postgres answers into the broker's own words. */
import { Effect } from "effect"
import type { SqlError } from "effect/sql"
import { brokenAsError } from "../../database/brokenTransaction.ts"
import { BrokerError, BrokerUnavailable, RecordRefused } from "../BrokerError.ts"

const refusing = new Set(["ConstraintError", "SqlSyntaxError", "UniqueViolation"])

/** Maps an SqlError of `operation` to a BrokerError that says whether trying again can help. */
export const refused =
  (operation: string) =>
  <A, R>(effect: Effect.Effect<A, SqlError.SqlError, R>): Effect.Effect<A, BrokerError, R> =>
    Effect.mapError(
      brokenAsError(effect),
      (error) =>
        new BrokerError({
          operation,
          reason: refusing.has(error.reason._tag)
            ? new RecordRefused({ detail: error.message })
            : new BrokerUnavailable({ detail: error.message })
        })
    )
