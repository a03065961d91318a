/**
 * Whole columns as parameters: Postgres unnests typed binary arrays far faster
 * than it binds rows, and their number does not grow with the batch.
 */
import { PgTypes } from "@effect/sql-pg"
import { Result } from "effect"

const column =
  (oid: number) =>
  (values: ReadonlyArray<unknown>): unknown =>
    Result.getOrThrow(PgTypes.array(values, oid))

/** `int2[]` of numbers. */
export const smallints = column(PgTypes.OID.int2)
/** `int4[]` of numbers. */
export const ints = column(PgTypes.OID.int4)
/** `int8[]` of safe integers. */
export const bigints = (values: ReadonlyArray<number>): unknown =>
  Result.getOrThrow(PgTypes.array(values.map(BigInt), PgTypes.OID.int8))
/** `text[]`; null is SQL NULL. */
export const texts = column(PgTypes.OID.text)
/** `bytea[]`; null is SQL NULL. */
export const byteas = column(PgTypes.OID.bytea)
/** `uuid[]`. */
export const uuids = column(PgTypes.OID.uuid)
/** `timestamptz[]` of ms since the epoch; null is SQL NULL. */
export const instants = column(PgTypes.OID.timestamptz)
