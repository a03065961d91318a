/** A public owner's items are seen by everybody: viewer 0 has the owner's own counts, or none. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { CommandOf } from "../../domain/tree/TreeCommand.ts"
import { refuse } from "./Turn.ts"
import type { Turn } from "./Turn.ts"

export const setPublic = Effect.fnUntraced(function* (turn: Turn, command: CommandOf<"setPublic">) {
  const sql = yield* SqlClient.SqlClient
  if (!turn.mayChange) return yield* refuse("NotOwner", "the tree belongs to somebody else")
  if (turn.isPublic === command.public) return 0
  yield* sql.unsafe(`UPDATE tree_owner SET is_public = $2 WHERE owner = $1`, [turn.owner, command.public])
  yield* sql.unsafe(
    command.public
      ? `INSERT INTO viewer_tag (viewer, owner, tag, n) SELECT 0, owner, tag, n FROM viewer_tag WHERE viewer = $1 AND owner = $1`
      : `DELETE FROM viewer_tag WHERE viewer = 0 AND owner = $1`,
    [turn.owner]
  )
  return 1
})
