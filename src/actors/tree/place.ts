/** What an item is called and where it stands. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { texts } from "../../database/columns.ts"
import { wordsOf } from "../../domain/tree/Name.ts"
import { deepest, endOf, isWithin, pathOf, segmentLength } from "../../domain/tree/Path.ts"
import type { CommandOf } from "../../domain/tree/TreeCommand.ts"
import { measureBranch, gainTags, loseTags, tagsAbove } from "./branchTags.ts"
import { findLive, findParent, refuse, without } from "./Turn.ts"
import type { FoundItem, Turn } from "./Turn.ts"

export const rename = Effect.fnUntraced(function* (turn: Turn, command: CommandOf<"rename">) {
  const sql = yield* SqlClient.SqlClient
  const item = yield* findLive(turn, command.item)
  const rows = yield* sql.unsafe<{ id: string }>(
    `UPDATE item SET name = $2, words = array_to_tsvector($3::text[]) WHERE id = $1::uuid AND name <> $2 RETURNING id`,
    [item.id, command.name, texts(wordsOf(command.name))]
  )
  return rows.length
})

/** Whether `id` is an item in another's tree that the caller sees. */
const isSeenElsewhere = Effect.fnUntraced(function* (turn: Turn, id: string) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe(
    `SELECT 1 FROM item_state i JOIN tree_owner o ON o.owner = i.owner
     WHERE i.id = $1::uuid AND i.owner <> $2 AND i.deleted_with IS NULL
       AND (o.is_public OR i.owner = $3 OR $3 = ANY (i.viewers))`,
    [id, turn.owner, turn.by]
  )
  return rows.length > 0
})

/** The place an item is to be moved to. */
const findTarget = Effect.fnUntraced(function* (turn: Turn, id: string | null) {
  if (id !== null && (yield* isSeenElsewhere(turn, id)))
    return yield* refuse("OtherOwner", `${id} stands in somebody else's tree`)
  return yield* findParent(turn, id)
})

const deepestOf = Effect.fnUntraced(function* (turn: Turn, item: FoundItem) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<{ length: number }>(
    `SELECT max(length(path))::int AS length FROM item_state WHERE owner = $1 AND path >= $2 AND path < $3`,
    [turn.owner, item.path, endOf(item.path)]
  )
  return row!.length
})

/** Puts an item with everything below it elsewhere in the tree. Who sees it stays; what tags it has from above changes. */
export const move = Effect.fnUntraced(function* (turn: Turn, command: CommandOf<"move">) {
  const sql = yield* SqlClient.SqlClient
  const item = yield* findLive(turn, command.item)
  const parent = yield* findTarget(turn, command.parent)
  if (parent !== null && isWithin(parent.path, item.path))
    return yield* refuse("WouldCycle", `${parent.id} stands below ${item.id}`)
  if ((parent?.id ?? null) === item.parent) return 0
  const path = pathOf(parent?.path ?? null, Number(item.slot))
  if (((yield* deepestOf(turn, item)) - item.path.length + path.length) / segmentLength > deepest)
    return yield* refuse("TooDeep", `a tree has at most ${deepest} levels`)
  const size = yield* measureBranch(turn, item.path)
  const above = yield* tagsAbove(item)
  yield* sql.unsafe(`UPDATE item SET parent = $2::uuid WHERE id = $1::uuid`, [item.id, parent?.id ?? null])
  yield* sql.unsafe(
    `UPDATE item_state SET path = $4 || substr(path, $5) WHERE owner = $1 AND path >= $2 AND path < $3`,
    [turn.owner, item.path, endOf(item.path), path, item.path.length + 1]
  )
  const inherited = parent?.eff_tags ?? []
  yield* loseTags(turn, path, without(without(above, inherited), item.own_tags))
  yield* gainTags(turn, path, without(inherited, above))
  return size
})
