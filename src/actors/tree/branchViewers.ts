/** Users come to see items and cease to: the items' own sets, and everybody's counts. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { ints, texts } from "../../database/columns.ts"
import { ancestorsOf, endOf } from "../../domain/tree/Path.ts"
import { applyDelta, viewerDelta } from "./counters.ts"
import type { FoundItem, Turn } from "./Turn.ts"

/** Which items: one branch, or those at some paths. */
export type Where = { readonly branch: string } | { readonly paths: ReadonlyArray<string> }

/** What becomes of a set of viewers: `add` and `remove` have nobody in common. */
export type ViewerChange =
  | { readonly add: ReadonlyArray<number>; readonly remove: ReadonlyArray<number> }
  | { readonly set: ReadonlyArray<number> }

const conditionOf = (where: Where) =>
  "branch" in where
    ? { text: `path >= $2 AND path < $3`, parameters: [where.branch, endOf(where.branch)] }
    : { text: `path = ANY ($2::text[]) AND $3`, parameters: [texts(where.paths), true] }

/** `left` without what `right` has, as SQL; an array that has nothing of it is answered as it is. */
const lacking = (left: string, right: string): string =>
  `CASE WHEN ${left} && ${right} THEN ARRAY(SELECT v FROM unnest(${left}) v WHERE v <> ALL (${right})) ELSE ${left} END`

/** Of an item: which have to change at all, whom they gain and lose, and whom they have then. */
const effectOf = (change: ViewerChange) => {
  const [$add, $remove] = ["$4::int[]", "$5::int[]"]
  if ("set" in change) {
    return {
      differs: `NOT (viewers @> ${$add} AND viewers <@ ${$add})`,
      gained: lacking($add, "viewers"),
      lost: lacking("viewers", $add),
      next: `${$add} || ${$remove}`,
      parameters: [ints(change.set), ints([])]
    }
  }
  const single = change.remove.length === 1
  return {
    differs: `(NOT viewers @> ${$add} OR viewers && ${$remove})`,
    gained: lacking($add, "viewers"),
    lost: single
      ? `CASE WHEN viewers && ${$remove} THEN ${$remove} ELSE '{}' END`
      : `CASE WHEN viewers && ${$remove} THEN ARRAY(SELECT v FROM unnest(viewers) v WHERE v = ANY (${$remove})) ELSE '{}' END`,
    next: `${single ? `array_remove(viewers, (${$remove})[1])` : lacking("viewers", $remove)} || ${lacking($add, "viewers")}`,
    parameters: [ints(change.add), ints(change.remove)]
  }
}

/** Changes who sees the items of `where`; answers how many items changed. */
export const changeViewers = Effect.fnUntraced(function* (turn: Turn, where: Where, change: ViewerChange) {
  const sql = yield* SqlClient.SqlClient
  const condition = conditionOf(where)
  const { differs, gained, lost, next, parameters } = effectOf(change)
  const [row] = yield* sql.unsafe<{ changed: bigint }>(
    `WITH before AS (
       SELECT ctid, ${gained} AS gained, ${lost} AS lost, ${next} AS next FROM item_state
       WHERE owner = $1 AND ${condition.text} AND ${differs}),
     changed AS (
       UPDATE item_state i SET viewers = b.next FROM before b WHERE i.ctid = b.ctid
       RETURNING b.gained, b.lost, i.eff_tags AS tags, i.deleted_with IS NULL AS is_live),
     ${viewerDelta}, ${applyDelta("$1")}
     SELECT count(*) AS changed FROM changed`,
    [turn.owner, ...condition.parameters, ...parameters]
  )
  return Number(row!.changed)
})

/**
 * The ancestors of `item` that a revoked user loses: those in whose branch no
 * other live item is left that the user sees, the item's further ancestors
 * apart. By user; users that lose none are left out.
 */
export const ancestorsLost = Effect.fnUntraced(function* (
  turn: Turn,
  item: Pick<FoundItem, "path">,
  revoked: ReadonlyArray<number>
) {
  const sql = yield* SqlClient.SqlClient
  const ancestors = ancestorsOf(item.path)
  const lost = new Map<number, ReadonlyArray<string>>()
  if (ancestors.length === 0 || revoked.length === 0) return lost
  const kept = yield* sql.unsafe<{ viewer: number; length: number }>(
    `SELECT viewer, max(length(a.path))::int AS length
     FROM item_state i JOIN unnest($4::text[]) a (path) ON starts_with(i.path, a.path), unnest(i.viewers) viewer
     WHERE i.owner = $1 AND i.path >= $2 AND i.path < $3 AND i.deleted_with IS NULL
       AND i.viewers && $5::int[] AND viewer = ANY ($5::int[]) AND i.path <> ALL ($4::text[])
     GROUP BY viewer`,
    [turn.owner, ancestors[0], endOf(ancestors[0]!), texts(ancestors), ints(revoked)]
  )
  const deepestKept = new Map(kept.map(({ viewer, length }) => [viewer, length]))
  for (const viewer of revoked) {
    const paths = ancestors.filter((path) => path.length > (deepestKept.get(viewer) ?? 0))
    if (paths.length > 0) lost.set(viewer, paths)
  }
  return lost
})
