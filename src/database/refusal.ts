/**
 * What Postgres said to a statement, and whether that was about what the
 * statement says or holds, so that the same again cannot help: who repeats it
 * until there is an answer would stand still. (PostgreSQL, Appendix A: 22 data
 * exception; 54 program limit exceeded, an entry too long for its index among
 * others)
 */
import { PgProtocol, PgTypes } from "@effect/sql-pg"
import type { SqlError } from "effect/sql"

const reasons = new Set(["ConstraintError", "SqlSyntaxError", "UniqueViolation"])
const classes = new Set(["22", "54"])

/** The SQLSTATE of an error; empty where the server did not say one. */
export const sqlStateOf = ({ reason }: SqlError.SqlError): string => {
  const code = (reason.cause as { readonly code?: unknown } | undefined)?.code
  return typeof code === "string" ? code : ""
}

/** The server's or the socket's own words, where there are any. */
export const saidBy = (error: SqlError.SqlError): string => {
  const { cause } = error.reason
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message
}

/** What could not even be put into a message to the server is refused as well. */
export const isRefusal = (error: SqlError.SqlError): boolean =>
  reasons.has(error.reason._tag) ||
  classes.has(sqlStateOf(error).slice(0, 2)) ||
  error.reason.cause instanceof PgTypes.CodecError ||
  error.reason.cause instanceof PgProtocol.EncodeError
