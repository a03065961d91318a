/**
 * The numbers of users and tags. They are given before the command's own
 * transaction: a number without an item means nothing, and a lock on a new
 * word would make one owner's large command hold up all others that use it.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { texts } from "../../database/columns.ts"

interface Word {
  readonly id: number
  readonly name: string
}

const numbersIn = (table: "tree_user" | "tree_tag") =>
  Effect.fnUntraced(function* (names: ReadonlyArray<string>) {
    if (names.length === 0) return new Map<string, number>()
    const sql = yield* SqlClient.SqlClient
    const read = sql.unsafe<Word>(`SELECT id, name FROM ${table} WHERE name = ANY ($1::text[])`, [texts(names)])
    const known = new Map((yield* read).map(({ id, name }) => [name, id]))
    const missing = [...new Set(names.filter((name) => !known.has(name)))].sort()
    if (missing.length === 0) return known
    yield* sql.unsafe(`INSERT INTO ${table} (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING`, [texts(missing)])
    return new Map((yield* read).map(({ id, name }) => [name, id]))
  })

/** Numbers of users by name; who has none gets one. */
export const userNumbers = numbersIn("tree_user")

/** Numbers of tags by their kept spelling; one that is new gets one. */
export const tagNumbers = numbersIn("tree_tag")
