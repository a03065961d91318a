/** An item's own tags. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { ints } from "../../database/columns.ts"
import { tagsOf } from "../../domain/tree/Tag.ts"
import type { CommandOf } from "../../domain/tree/TreeCommand.ts"
import { measureBranch, gainTags, loseTags, tagsAbove } from "./branchTags.ts"
import { findLive, without } from "./Turn.ts"
import type { Turn } from "./Turn.ts"

/** What becomes of `own` by the command. */
const tagsAfter = (turn: Turn, own: ReadonlyArray<number>, command: CommandOf<"setTags">): ReadonlyArray<number> => {
  const numbers = (tags: ReadonlyArray<string> = []) => tagsOf(tags).map((tag) => turn.tags.get(tag)!)
  const base = command.set === undefined ? own : numbers(command.set)
  return without([...new Set([...base, ...numbers(command.add)])], numbers(command.remove))
}

/** Changes the own tags of an item and, by that, what its branch has from it; answers how many items changed. */
export const setTags = Effect.fnUntraced(function* (turn: Turn, command: CommandOf<"setTags">) {
  const sql = yield* SqlClient.SqlClient
  const item = yield* findLive(turn, command.item)
  const after = tagsAfter(turn, item.own_tags, command)
  const added = without(after, item.own_tags)
  const removed = without(item.own_tags, after)
  if (added.length === 0 && removed.length === 0) return 0
  yield* measureBranch(turn, item.path)
  yield* sql.unsafe(
    `WITH begun AS (INSERT INTO item_own_tag (owner, tag, item) SELECT $1, unnest($4::int[]), $2::uuid),
     over AS (DELETE FROM item_own_tag WHERE owner = $1 AND item = $2::uuid AND tag = ANY ($5::int[]))
     UPDATE item_state SET own_tags = $3::int[] WHERE id = $2::uuid`,
    [turn.owner, item.id, ints(after), ints(added), ints(removed)]
  )
  const lost = yield* loseTags(turn, item.path, without(removed, yield* tagsAbove(item)))
  const gained = yield* gainTags(turn, item.path, without(added, item.eff_tags))
  return Math.max(1, lost, gained)
})
