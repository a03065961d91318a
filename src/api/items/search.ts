/**
 * Search by tags and words, and the tags a caller sees. The counts say of which
 * owners the caller sees items with a tag; among those, only what stands below
 * where the rarest tag begins is looked at, in the order of the trees.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { ints, texts } from "../../database/columns.ts"
import { wordsOf } from "../../domain/tree/Name.ts"
import { columns, from, seen } from "./itemReads.ts"
import type { ItemRow, Reader } from "./itemReads.ts"

/** Where a page begins: behind this item of this owner. */
export interface Place {
  readonly owner: number
  readonly path: string
}

/** Counts that tell what the reader sees: of public owners everybody's, of others the reader's own. */
const ofReader = (reader: Reader): string =>
  reader.admin
    ? `c.viewer = c.owner`
    : `((c.viewer = ${reader.viewer} AND c.viewer <> 0 AND NOT o.is_public) OR c.viewer = 0)`

/** Tags that begin with `start`, and of how many items that the reader sees. */
export const readTags = Effect.fnUntraced(function* (reader: Reader, start: string, limit: number) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe<{ tag: string; count: bigint }>(
    `SELECT t.name AS tag, sum(c.n)::bigint AS count
     FROM viewer_tag c JOIN tree_owner o ON o.owner = c.owner JOIN tree_tag t ON t.id = c.tag
     WHERE ${ofReader(reader)} AND starts_with(t.name, $1) GROUP BY t.name ORDER BY count DESC, t.name COLLATE "C" LIMIT $2`,
    [start, limit]
  )
  return rows.map(({ tag, count }) => ({ tag, count: Number(count) }))
})

/** The words of a query, each standing for all that begin with it. */
const queryOf = (words: ReadonlyArray<string>): string => words.map((word) => `'${word}':*`).join(" & ")

/** The owners of whom the reader sees something with each of the tags, in order, and the rarest tag of all. */
const promising = Effect.fnUntraced(function* (reader: Reader, tags: ReadonlyArray<number>) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe<{ owner: number; tag: number; n: bigint }>(
    `SELECT c.owner, c.tag, c.n FROM viewer_tag c JOIN tree_owner o ON o.owner = c.owner
     WHERE ${ofReader(reader)} AND c.tag = ANY ($1::int[])`,
    [ints(tags)]
  )
  const byOwner = Map.groupBy(rows, ({ owner }) => owner)
  const owners = [...byOwner].filter(([, found]) => found.length === tags.length).map(([owner]) => owner)
  const total = (tag: number) => rows.reduce((sum, row) => (row.tag === tag ? sum + Number(row.n) : sum), 0)
  const [rarest] = tags.map((tag) => [tag, total(tag)] as const).sort((a, b) => a[1] - b[1])
  return { owners: owners.sort((a, b) => a - b), rarest: rarest![0] }
})

const numbersOf = Effect.fnUntraced(function* (tags: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe<{ id: number }>(`SELECT id FROM tree_tag WHERE name = ANY ($1::text[])`, [texts(tags)])
  return rows.map(({ id }) => id)
})

/** `begin` is where the rarest tag begins: of the items that have it of their own, those that stand below no other. */
const byTags = Effect.fnUntraced(function* (
  reader: Reader,
  tags: ReadonlyArray<string>,
  query: string,
  after: Place,
  limit: number
) {
  const sql = yield* SqlClient.SqlClient
  const numbers = yield* numbersOf(tags)
  if (numbers.length < tags.length) return []
  const { owners, rarest } = yield* promising(reader, numbers)
  const left = owners.filter((owner) => owner >= after.owner)
  return yield* sql.unsafe<ItemRow>(
    `SELECT found.* FROM unnest($3::int[]) WITH ORDINALITY owners (owner, at)
     JOIN tree_owner o ON o.owner = owners.owner JOIN tree_user u ON u.id = owners.owner
     CROSS JOIN LATERAL (
       SELECT within.* FROM (
         SELECT path FROM (
           SELECT r.path, max(r.path || '~') OVER (ORDER BY r.path ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered
           FROM item_own_tag b JOIN item_state r ON r.id = b.item
           WHERE b.owner = owners.owner AND b.tag = $4 AND r.deleted_with IS NULL) r
         WHERE (covered IS NULL OR covered <= path) AND (owners.owner > $5 OR path || '~' > $6)
         ORDER BY path) begin
       CROSS JOIN LATERAL (
         SELECT ${columns} FROM item_state s JOIN item i ON i.id = s.id
         WHERE s.owner = owners.owner AND s.path >= begin.path AND s.path < begin.path || '~'
           AND (owners.owner > $5 OR s.path > $6) AND s.eff_tags @> $7::int[] AND ${seen}
           AND ($8 = '' OR i.words @@ $8::tsquery)
         ORDER BY s.path LIMIT $9) within
       ORDER BY begin.path, within.path LIMIT $9) found
     ORDER BY owners.at, found.path LIMIT $9`,
    [reader.viewer, reader.admin, ints(left), rarest, after.owner, after.path, ints(numbers), query, limit]
  )
})

const byWords = Effect.fnUntraced(function* (reader: Reader, query: string, after: Place, limit: number) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql.unsafe<ItemRow>(
    `SELECT ${columns} FROM ${from}
     WHERE i.words @@ $3::tsquery AND ${seen} AND (s.owner, s.path) > ($4, $5) ORDER BY s.owner, s.path LIMIT $6`,
    [reader.viewer, reader.admin, query, after.owner, after.path, limit]
  )
})

/** Items behind `after` that have all the tags and words, in the order of owners and of their trees. */
export const searchItems = (
  reader: Reader,
  wanted: { readonly tags: ReadonlyArray<string>; readonly words: string },
  after: Place,
  limit: number
) => {
  const query = queryOf(wordsOf(wanted.words))
  return wanted.tags.length > 0
    ? byTags(reader, wanted.tags, query, after, limit)
    : byWords(reader, query, after, limit)
}
