/** Removes what is deleted for good. The blobs are left to the sweep, which takes those that nothing refers to. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { endOf } from "../../domain/tree/Path.ts"
import type { CommandOf } from "../../domain/tree/TreeCommand.ts"
import { measureBranch } from "./branchTags.ts"
import { findOwn, refuse } from "./Turn.ts"
import type { Turn } from "./Turn.ts"

const branch = `IN (SELECT id FROM item_state WHERE owner = $1 AND path >= $2 AND path < $3)`

/** The rows of a branch, referring ones first. What is deleted is counted nowhere. */
const removals = [
  `DELETE FROM item_blob WHERE item ${branch}`,
  `DELETE FROM item_content WHERE item ${branch}`,
  `DELETE FROM item_own_tag WHERE item ${branch}`,
  `DELETE FROM deleted_branch WHERE item ${branch}`
]

/** Whether an item stands deleted since before `time`. */
const wasDeletedBefore = Effect.fnUntraced(function* (turn: Turn, item: string, time: number) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe(
    `SELECT 1 FROM deleted_branch WHERE item = $1::uuid AND owner = $2 AND at <= $3::timestamptz`,
    [item, turn.owner, new Date(time)]
  )
  return rows.length > 0
})

export const purge = Effect.fnUntraced(function* (turn: Turn, command: CommandOf<"purge">) {
  const sql = yield* SqlClient.SqlClient
  const { deletedBefore } = command
  if (deletedBefore !== undefined && !(yield* wasDeletedBefore(turn, command.item, deletedBefore))) return 0
  const item = yield* findOwn(turn, command.item)
  if (item.deleted_with === null)
    return yield* refuse("NotDeleted", `${item.id} is not deleted: only what is can be removed for good`)
  yield* measureBranch(turn, item.path)
  const range = [turn.owner, item.path, endOf(item.path)]
  for (const removal of removals) yield* sql.unsafe(removal, range)
  const [row] = yield* sql.unsafe<{ changed: bigint }>(
    `WITH gone AS (DELETE FROM item_state WHERE owner = $1 AND path >= $2 AND path < $3 RETURNING id),
     away AS (DELETE FROM item i USING gone g WHERE i.id = g.id)
     SELECT count(*) AS changed FROM gone`,
    range
  )
  return Number(row!.changed)
})
