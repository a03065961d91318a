/**
 * A mend of the SQL client (effect 4.1), which keeps what it compiled in a
 * WeakMap by statement. Our statements are made for one call, so none is ever
 * found again; and V8's collector of young objects takes all that such a map
 * holds for used, parameters too: a third of what was allocated moved to the old
 * generation for nothing, and a question cost twice the time.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Has the client of this process keep nothing of a statement that is done; where it has no such maps, nothing is done. */
export const forgetStatements = Effect.map(SqlClient.SqlClient, (sql) => {
  const { compiler } = sql.unsafe("") as unknown as { readonly compiler?: Record<string, unknown> }
  if (compiler === undefined) return
  for (const name of ["statementCache", "statementCacheNoTransform"]) {
    if (compiler[name] instanceof WeakMap) compiler[name] = { get: () => undefined, set: () => undefined }
  }
})
