/** Turns what Postgres answers into the broker's own words. */
import { Effect } from "effect"
import type { SqlError } from "effect/sql"
import { brokenAsError } from "../../database/brokenTransaction.ts"
import { BrokerError, BrokerUnavailable, RecordRefused, TopicGrown } from "../BrokerError.ts"
import type { BrokerReason } from "../BrokerError.ts"

const refusing = new Set(["ConstraintError", "SqlSyntaxError", "UniqueViolation"])

/**
 * A statement that finds another number of partitions in the rows it locks than its records were placed by divides by
 * zero, which undoes it: a count that is right is divided by one.
 */
export const ifStill = (isRight: string): string => `(${isRight})::int`

/** What Postgres calls that. */
const divisionByZero = "22012"

const reasonOf = (error: SqlError.SqlError): BrokerReason => {
  const cause = error.reason.cause as { readonly code?: unknown } | undefined
  if (cause?.code === divisionByZero) return new TopicGrown()
  return refusing.has(error.reason._tag)
    ? new RecordRefused({ detail: error.message })
    : new BrokerUnavailable({ detail: error.message })
}

/** Maps an SqlError of `operation` to a BrokerError that says whether trying again can help. */
export const refused =
  (operation: string) =>
  <A, R>(effect: Effect.Effect<A, SqlError.SqlError, R>): Effect.Effect<A, BrokerError, R> =>
    Effect.mapError(brokenAsError(effect), (error) => new BrokerError({ operation, reason: reasonOf(error) }))
