/** Turns what Postgres answers into the broker's own words. */
import { Effect } from "effect"
import type { SqlError } from "effect/sql"
import { brokenAsError } from "../../database/brokenTransaction.ts"
import { isRefusal, saidBy, sqlStateOf } from "../../database/refusal.ts"
import { BrokerError, BrokerUnavailable, RecordRefused, TopicGrown } from "../BrokerError.ts"
import type { BrokerReason } from "../BrokerError.ts"

/**
 * A statement that finds another number of partitions in the rows it locks than its records were placed by divides by
 * zero, which undoes it: a count that is right is divided by one.
 */
export const ifStill = (isRight: string): string => `(${isRight})::int`

/** What Postgres calls that. */
const divisionByZero = "22012"

const reasonOf = (error: SqlError.SqlError): BrokerReason => {
  if (sqlStateOf(error) === divisionByZero) return new TopicGrown()
  return isRefusal(error)
    ? new RecordRefused({ detail: saidBy(error) })
    : new BrokerUnavailable({ detail: saidBy(error) })
}

/** Maps an SqlError of `operation` to a BrokerError that says whether trying again can help. */
export const refused =
  (operation: string) =>
  <A, R>(effect: Effect.Effect<A, SqlError.SqlError, R>): Effect.Effect<A, BrokerError, R> =>
    Effect.mapError(brokenAsError(effect), (error) => new BrokerError({ operation, reason: reasonOf(error) }))
