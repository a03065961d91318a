/**
 * A million items of trees that grew by chance, written straight into the
 * tables: by commands it would take an hour. Each new item is put below one
 * that is there already, all equally likely; three of five have a tag of their
 * own, few tags being frequent and most rare; every branch at the top is seen by
 * some users.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { bigints, texts, uuids } from "../../src/database/columns.ts"
import { uuidOf } from "../../src/domain/ids.ts"
import { pathOf } from "../../src/domain/tree/Path.ts"
import { makeChance } from "./randomCommand.ts"

export interface TreeSize {
  /** Items below the one collection that is changed as a whole. */
  readonly branch: number
  /** Owners besides the one of that branch, and items of each. */
  readonly owners: number
  readonly each: number
}

/** The id of item `n` of an owner. */
export const itemIdOf = (owner: string, n: number): string => uuidOf(`bench ${owner} ${n}`)

export const largeOwner = "large"
export const ownerOf = (n: number): string => `owner-${n}`
export const viewerOf = (n: number): string => `viewer-${n}`
export const tagCount = 500
export const viewerCount = 50
export const tagNameOf = (n: number): string => `tag-${n}`

const chunk = 10_000

interface Row {
  readonly n: number
  readonly parent: number | null
  readonly path: string
  readonly own: ReadonlyArray<number>
  readonly eff: ReadonlyArray<number>
  readonly viewers: ReadonlyArray<number>
}

/** The rows of one owner: item 0 is the collection at the top, all others stand below it. */
const grow = (count: number, chance: () => number): ReadonlyArray<Row> => {
  const rows: Array<Row> = []
  for (let n = 0; n < count; n++) {
    const parent = n === 0 ? null : rows[Math.floor(chance() * n)]!
    // By the square of a number drawn evenly, tag 1 is had twenty times as often as tag 400.
    const own = chance() < 0.6 ? [1 + Math.floor(chance() ** 2 * tagCount)] : []
    // Below the items right under the top, whoever sees the branch sees all of it.
    const viewers =
      parent === null
        ? []
        : parent.n === 0
          ? [...new Set(Array.from({ length: 3 }, () => 1 + Math.floor(chance() * viewerCount)))]
          : parent.viewers
    rows.push({
      n,
      parent: parent?.n ?? null,
      path: pathOf(parent?.path ?? null, n),
      own,
      eff: [...new Set([...(parent?.eff ?? []), ...own])],
      viewers
    })
  }
  return rows
}

const arrayText = (numbers: ReadonlyArray<number>): string => `{${numbers.join(",")}}`

const writeOwner = Effect.fnUntraced(function* (owner: string, rows: ReadonlyArray<Row>) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<{ id: number }>(`INSERT INTO tree_user (name) VALUES ($1) RETURNING id`, [owner])
  const number = row!.id
  yield* sql.unsafe(`INSERT INTO tree_owner (owner, seq, next_slot) VALUES ($1, 0, $2)`, [number, BigInt(rows.length)])
  for (let from = 0; from < rows.length; from += chunk) {
    const part = rows.slice(from, from + chunk)
    const all = [number, uuids(part.map(({ n }) => itemIdOf(owner, n)))]
    yield* sql.unsafe(
      `INSERT INTO item (id, owner, parent, slot, type, name, words, created_seq)
       SELECT id, $1, nullif(parent, '')::uuid, slot, 'collection', name,
         array_to_tsvector(string_to_array(lower(name), ' ')), 0
       FROM unnest($2::uuid[], $3::text[], $4::int8[], $5::text[]) r (id, parent, slot, name)`,
      [
        ...all,
        texts(part.map(({ parent }) => (parent === null ? "" : itemIdOf(owner, parent)))),
        bigints(part.map(({ n }) => n)),
        texts(part.map(({ n }) => `photo ${n} of ${owner}`))
      ]
    )
    yield* sql.unsafe(
      `INSERT INTO item_state (id, owner, path, own_tags, eff_tags, viewers)
       SELECT id, $1, path, own::int[], eff::int[], viewers::int[]
       FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[]) r (id, path, own, eff, viewers)`,
      [
        ...all,
        texts(part.map(({ path }) => path)),
        texts(part.map(({ own }) => arrayText(own))),
        texts(part.map(({ eff }) => arrayText(eff))),
        texts(part.map(({ viewers }) => arrayText(viewers)))
      ]
    )
  }
})

const write = Effect.fnUntraced(function* (size: TreeSize) {
  const sql = yield* SqlClient.SqlClient
  // What the rows refer to is there, and need not be looked up a million times, where this user may say so.
  yield* sql`SELECT set_config('session_replication_role', 'replica', true) FROM pg_roles
    WHERE rolname = current_user AND rolsuper`
  const chance = makeChance(42)
  // First, so that viewers and tags have the numbers 1, 2, 3, … as in the rows.
  for (const [table, count, nameOf] of [
    ["tree_user", viewerCount, viewerOf],
    ["tree_tag", tagCount, tagNameOf]
  ] as const) {
    yield* sql.unsafe(
      `INSERT INTO ${table} (name) SELECT name FROM unnest($1::text[]) WITH ORDINALITY n (name, at) ORDER BY at`,
      [texts(Array.from({ length: count }, (_, n) => nameOf(n + 1)))]
    )
  }
  yield* writeOwner(largeOwner, grow(size.branch, chance))
  for (let n = 0; n < size.owners; n++) yield* writeOwner(ownerOf(n), grow(size.each, chance))
  yield* sql.unsafe(`INSERT INTO item_own_tag (owner, tag, item) SELECT owner, unnest(own_tags), id FROM item_state`)
  yield* sql.unsafe(
    `INSERT INTO viewer_tag (viewer, owner, tag, n)
     SELECT viewer, owner, tag, count(*) FROM item_state, unnest(viewers || owner) viewer, unnest(eff_tags) tag GROUP BY 1, 2, 3`
  )
})

/** Fills the empty tables; answers how many items there are. */
export const fillTrees = Effect.fnUntraced(function* (size: TreeSize) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.withTransaction(write(size))
  yield* sql.unsafe(`VACUUM (ANALYZE) item, item_state, item_own_tag, viewer_tag, tree_owner, tree_user, tree_tag`)
  return size.branch + size.owners * size.each
})
