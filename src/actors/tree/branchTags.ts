/** Tags come to a branch and go from it: what its items have of their own and from above, and everybody's counts. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { ints } from "../../database/columns.ts"
import { endOf } from "../../domain/tree/Path.ts"
import { alwaysSeeing, applyDelta, tagDelta } from "./counters.ts"
import type { FoundItem, Turn } from "./Turn.ts"

interface Count {
  readonly changed: bigint
}

/** Gives `tags` to every item of the branch at `path` that lacks them; answers how many items that were. */
export const gainTags = Effect.fnUntraced(function* (turn: Turn, path: string, tags: ReadonlyArray<number>) {
  if (tags.length === 0) return 0
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<Count>(
    `WITH lacking AS (
       SELECT ctid, CASE WHEN eff_tags && $4::int[]
         THEN ARRAY(SELECT t FROM unnest($4::int[]) t WHERE t <> ALL (eff_tags)) ELSE $4::int[] END AS tags
       FROM item_state WHERE owner = $1 AND path >= $2 AND path < $3 AND NOT eff_tags @> $4::int[]),
     changed AS (
       UPDATE item_state i SET eff_tags = i.eff_tags || l.tags FROM lacking l WHERE i.ctid = l.ctid
       RETURNING i.viewers, l.tags, i.deleted_with IS NULL AS is_live),
     ${tagDelta(1, "$5")}, ${applyDelta("$1")}
     SELECT count(*) AS changed FROM changed`,
    [turn.owner, path, endOf(path), ints(tags), alwaysSeeing(turn)]
  )
  return Number(row!.changed)
})

/** Those of `tags` that some item of the branch at `path` has of its own. */
const ownedWithin = Effect.fnUntraced(function* (turn: Turn, path: string, tags: ReadonlyArray<number>) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe<{ tag: number }>(
    `SELECT tag FROM unnest($4::int[]) tag WHERE EXISTS (
       SELECT 1 FROM item_own_tag b JOIN item_state s ON s.id = b.item
       WHERE b.owner = $1 AND b.tag = tag.tag AND s.path >= $2 AND s.path < $3)`,
    [turn.owner, path, endOf(path), ints(tags)]
  )
  return rows.map(({ tag }) => tag)
})

/**
 * Takes `tags` from every item of the branch at `path` that has them from its
 * top; answers how many items lost one. An item keeps a tag that it or
 * an item between has of its own. In the order of paths, a branch is one run of
 * rows and ends before `path~`: a tag is kept wherever the furthest end
 * of those that have it of their own lies behind.
 */
export const loseTags = Effect.fnUntraced(function* (turn: Turn, path: string, tags: ReadonlyArray<number>) {
  if (tags.length === 0) return 0
  const sql = yield* SqlClient.SqlClient
  const owned = yield* ownedWithin(turn, path, tags)
  const ends = owned.map(
    (tag) =>
      `, max(CASE WHEN own_tags @> '{${tag}}' THEN path || '~' END) OVER (ORDER BY path ROWS UNBOUNDED PRECEDING) AS end${tag}`
  )
  const lost = tags.map((tag) => (owned.includes(tag) ? `CASE WHEN end${tag} > path THEN NULL ELSE ${tag} END` : tag))
  const [row] = yield* sql.unsafe<Count>(
    `WITH ended AS (
       SELECT ctid, path${ends.join("")} FROM item_state WHERE owner = $1 AND path >= $2 AND path < $3),
     losing AS (SELECT ctid, array_remove(ARRAY[${lost.join(", ")}], NULL) AS tags FROM ended),
     changed AS (
       UPDATE item_state i SET eff_tags = CASE cardinality(l.tags) WHEN 1 THEN array_remove(i.eff_tags, l.tags[1])
         ELSE ARRAY(SELECT t FROM unnest(i.eff_tags) t WHERE t <> ALL (l.tags)) END
       FROM losing l WHERE i.ctid = l.ctid AND l.tags <> '{}'
       RETURNING i.viewers, l.tags, i.deleted_with IS NULL AS is_live),
     ${tagDelta(-1, "$4")}, ${applyDelta("$1")}
     SELECT count(*) AS changed FROM changed`,
    [turn.owner, path, endOf(path), alwaysSeeing(turn)]
  )
  return Number(row!.changed)
})

/** The tags an item has from its parent on; none at the top. */
export const tagsAbove = Effect.fnUntraced(function* (item: Pick<FoundItem, "parent">) {
  if (item.parent === null) return []
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<Pick<FoundItem, "eff_tags">>(`SELECT eff_tags FROM item_state WHERE id = $1::uuid`, [
    item.parent
  ])
  return row!.eff_tags
})

/** From so many items on, a change says how many they are before it begins, and sorts and groups in memory. */
const large = 1_000

/** How many items the branch at `path` has, deleted ones included. */
export const measureBranch = Effect.fnUntraced(function* (turn: Turn, path: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<Count>(
    `SELECT count(*) AS changed FROM item_state WHERE owner = $1 AND path >= $2 AND path < $3`,
    [turn.owner, path, endOf(path)]
  )
  const items = Number(row!.changed)
  if (items >= large) {
    yield* turn.progress({ items })
    yield* sql.unsafe(`SET LOCAL work_mem = '64MB'`)
  }
  return items
})
