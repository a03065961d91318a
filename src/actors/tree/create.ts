/** A new item. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { ints, texts } from "../../database/columns.ts"
import { wordsOf } from "../../domain/tree/Name.ts"
import { deepest, depthOf, pathOf } from "../../domain/tree/Path.ts"
import { tagsOf } from "../../domain/tree/Tag.ts"
import type { CommandOf } from "../../domain/tree/TreeCommand.ts"
import { alwaysSeeing, applyDelta, tagDelta } from "./counters.ts"
import { findParent, refuse } from "./Turn.ts"
import type { Turn } from "./Turn.ts"

/** Adds the item, whose id is the command's. */
export const create = Effect.fnUntraced(function* (turn: Turn, command: Omit<CommandOf<"create">, "kind">) {
  const sql = yield* SqlClient.SqlClient
  const parent = yield* findParent(turn, command.parent)
  if (parent !== null && depthOf(parent.path) >= deepest)
    return yield* refuse("TooDeep", `a tree has at most ${deepest} levels`)
  const own = tagsOf(command.tags).map((tag) => turn.tags.get(tag)!)
  const effective = [...new Set([...(parent?.eff_tags ?? []), ...own])]
  const named = command.viewers?.map((name) => turn.users.get(name)!) ?? parent?.viewers ?? []
  const viewers = [...new Set(named)].filter((viewer) => viewer !== turn.owner)
  const [row] = yield* sql.unsafe<{ slot: bigint }>(
    `WITH taken AS (UPDATE tree_owner SET next_slot = next_slot + 1 WHERE owner = $2 RETURNING next_slot - 1 AS slot)
     INSERT INTO item (id, owner, parent, slot, type, name, words, created_seq)
     SELECT $1::uuid, $2, $3::uuid, slot, $4, $5, array_to_tsvector($6::text[]), $7::int8 FROM taken RETURNING slot`,
    [
      turn.command,
      turn.owner,
      parent?.id ?? null,
      command.type,
      command.name,
      texts(wordsOf(command.name)),
      BigInt(turn.seq)
    ]
  )
  const slot = Number(row!.slot)
  yield* sql.unsafe(
    `WITH begun AS (INSERT INTO item_own_tag (owner, tag, item) SELECT $1, unnest($4::int[]), $2::uuid),
     changed AS (
       INSERT INTO item_state (owner, id, path, own_tags, eff_tags, viewers)
       VALUES ($1, $2::uuid, $3, $4::int[], $5::int[], $6::int[])
       RETURNING viewers, eff_tags AS tags, true AS is_live),
     ${tagDelta(1, "$7")}, ${applyDelta("$1")}
     SELECT count(*) FROM changed`,
    [
      turn.owner,
      turn.command,
      pathOf(parent?.path ?? null, slot),
      ints(own),
      ints(effective),
      ints(viewers),
      alwaysSeeing(turn)
    ]
  )
  return 1
})
