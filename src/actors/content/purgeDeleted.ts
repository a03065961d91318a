/**
 * Has removed for good what was deleted long ago: some branches at a time, each
 * by a command in its owner's turn. Which deletion is meant is said by its time,
 * so that what was restored meanwhile, or deleted anew, stays.
 */
import { Clock, Effect } from "effect"
import { SqlClient } from "effect/sql"
import { done } from "../../domain/Outcome.ts"
import { uuidOf } from "../../domain/ids.ts"
import { DeletedLife } from "../../services/content/limits.ts"
import * as Topic from "../../topics/Topic.ts"
import { treeCommands } from "../../topics/treeCommands.ts"

/** Branches that are handed on at a time; what is left comes with the next turn of the schedule. */
const most = 500

interface Due {
  readonly item: string
  readonly owner: string
  readonly at: Date
}

export const purgeDeleted = Effect.fn("content.purgeDeleted")(function* () {
  const sql = yield* SqlClient.SqlClient
  const before = (yield* Clock.currentTimeMillis) - (yield* DeletedLife)
  const due = yield* sql.unsafe<Due>(
    `SELECT d.item, u.name AS owner, d.at FROM deleted_branch d JOIN tree_user u ON u.id = d.owner
     WHERE d.at <= $1::timestamptz ORDER BY d.at, d.item LIMIT ${most}`,
    [new Date(before)]
  )
  const outputs = yield* Effect.forEach(due, ({ item, owner, at }) =>
    Topic.output(
      treeCommands,
      owner,
      { by: owner, admin: false, command: { kind: "purge", item, deletedBefore: before } },
      // The same of each deletion, so that one that still waits for its turn is not asked for twice.
      { id: uuidOf(`purge\n${item}\n${at.getTime()}`), priority: "low" }
    )
  )
  return done({ branches: due.length }, outputs)
})
