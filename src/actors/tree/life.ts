/**
 * Delete and restore. A branch is deleted as a whole and remembers with which
 * item it went; what had been deleted before stays deleted when it comes back.
 * Tags and rights of what is deleted are kept up to date, and not counted.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { endOf } from "../../domain/tree/Path.ts"
import type { CommandOf } from "../../domain/tree/TreeCommand.ts"
import { measureBranch } from "./branchTags.ts"
import { alwaysSeeing, applyDelta, tagDelta } from "./counters.ts"
import { findLive, findOwn, refuse } from "./Turn.ts"
import type { FoundItem, Turn } from "./Turn.ts"

/** Marks the items of a branch that were marked `from` as `to`, null being alive; answers how many. */
const mark = Effect.fnUntraced(function* (turn: Turn, item: FoundItem, from: string | null, to: string | null) {
  const sql = yield* SqlClient.SqlClient
  yield* measureBranch(turn, item.path)
  const [row] = yield* sql.unsafe<{ changed: bigint }>(
    `WITH changed AS (
       UPDATE item_state SET deleted_with = $5::uuid
       WHERE owner = $1 AND path >= $2 AND path < $3 AND deleted_with IS NOT DISTINCT FROM $4::uuid
       RETURNING viewers, eff_tags AS tags, true AS is_live),
     ${tagDelta(to === null ? 1 : -1, "$6")}, ${applyDelta("$1")}
     SELECT count(*) AS changed FROM changed`,
    [turn.owner, item.path, endOf(item.path), from, to, alwaysSeeing(turn)]
  )
  return Number(row!.changed)
})

export const deleteBranch = Effect.fnUntraced(function* (turn: Turn, command: CommandOf<"delete">) {
  const sql = yield* SqlClient.SqlClient
  const item = yield* findLive(turn, command.item)
  const changed = yield* mark(turn, item, null, item.id)
  yield* sql.unsafe(`INSERT INTO deleted_branch (item, owner, at) VALUES ($1::uuid, $2, now())`, [item.id, turn.owner])
  return changed
})

export const restore = Effect.fnUntraced(function* (turn: Turn, command: CommandOf<"restore">) {
  const sql = yield* SqlClient.SqlClient
  const item = yield* findOwn(turn, command.item)
  if (item.deleted_with === null) return yield* refuse("NotDeleted", `${item.id} is not deleted`)
  if (item.deleted_with !== item.id)
    return yield* refuse("Deleted", `${item.id} was deleted with ${item.deleted_with}: restore that`)
  const above = yield* sql.unsafe(`SELECT 1 FROM item_state WHERE id = $1::uuid AND deleted_with IS NOT NULL`, [
    item.parent
  ])
  if (above.length > 0) return yield* refuse("Deleted", `${item.id} stands in ${item.parent}, which is deleted`)
  yield* sql.unsafe(`DELETE FROM deleted_branch WHERE item = $1::uuid`, [item.id])
  return yield* mark(turn, item, item.id, null)
})
