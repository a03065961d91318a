/**
 * An item or a branch once more, in the same tree or from another's that the
 * caller sees. The copies have ids made of the command's, so that a repeat makes
 * the same; their content is referred to, not copied; who sees the new place
 * sees them. What the caller does not see is not copied, nor what lies below it.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { bigints, texts, uuids } from "../../database/columns.ts"
import { uuidOf } from "../../domain/ids.ts"
import type { CommandOf } from "../../domain/tree/TreeCommand.ts"
import type { FollowUp } from "../../domain/tree/TreeOutcome.ts"
import { deepest, depthOf, isWithin, pathOf } from "../../domain/tree/Path.ts"
import { contentColumns, followUpOf } from "./content.ts"
import { alwaysSeeing, applyDelta, tagDelta } from "./counters.ts"
import { findParent, findSeen, refuse } from "./Turn.ts"
import type { Change, FoundItem, Turn } from "./Turn.ts"

interface Source {
  readonly id: string
  readonly parent: string | null
  readonly own_tags: ReadonlyArray<number>
}

interface Placed {
  readonly id: string
  readonly source: string
  readonly parent: string | null
  readonly slot: number
  readonly path: string
  readonly own: ReadonlyArray<number>
  readonly eff: ReadonlyArray<number>
}

/** The items to copy, each behind the one above it. */
const sourcesOf = Effect.fnUntraced(function* (turn: Turn, root: string) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql.unsafe<Source>(
    `WITH RECURSIVE wanted AS (
       SELECT id FROM item WHERE id = $1::uuid
       UNION ALL
       SELECT i.id FROM wanted w JOIN item i ON i.parent = w.id JOIN item_state s ON s.id = i.id
         JOIN tree_owner o ON o.owner = i.owner
       WHERE s.deleted_with IS NULL AND ($2::boolean OR o.is_public OR i.owner = $3 OR $3 = ANY (s.viewers)))
     SELECT i.id, i.parent, s.own_tags FROM wanted w JOIN item i ON i.id = w.id JOIN item_state s ON s.id = w.id
     ORDER BY s.path`,
    [root, turn.isAdmin, turn.by]
  )
})

const reserveSlots = Effect.fnUntraced(function* (turn: Turn, count: number) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<{ first: bigint }>(
    `UPDATE tree_owner SET next_slot = next_slot + $2 WHERE owner = $1 RETURNING next_slot - $2 AS first`,
    [turn.owner, BigInt(count)]
  )
  return Number(row!.first)
})

/** Where each copy stands. The first has the command's id, by which it was promised. */
const place = (turn: Turn, sources: ReadonlyArray<Source>, parent: FoundItem | null, first: number) => {
  const placed = new Map<string, Placed>()
  for (const [n, source] of sources.entries()) {
    const above = n === 0 ? null : placed.get(source.parent!)!
    placed.set(source.id, {
      id: n === 0 ? turn.command : uuidOf(`copy\n${turn.command}\n${source.id}`),
      source: source.id,
      parent: above?.id ?? parent?.id ?? null,
      slot: first + n,
      path: pathOf(above?.path ?? parent?.path ?? null, first + n),
      own: source.own_tags,
      eff: [...new Set([...(above?.eff ?? parent?.eff_tags ?? []), ...source.own_tags])]
    })
  }
  return [...placed.values()]
}

const chunk = 10_000
const arrayText = (numbers: ReadonlyArray<number>): string => `{${numbers.join(",")}}`

const write = Effect.fnUntraced(function* (turn: Turn, items: ReadonlyArray<Placed>, viewers: ReadonlyArray<number>) {
  const sql = yield* SqlClient.SqlClient
  const ids = uuids(items.map(({ id }) => id))
  const sources = uuids(items.map(({ source }) => source))
  yield* sql.unsafe(
    `INSERT INTO item (id, owner, parent, slot, type, name, words, created_seq)
     SELECT n.id, $1, nullif(n.parent, '')::uuid, n.slot, i.type, i.name, i.words, $6
     FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::int8[]) n (id, source, parent, slot) JOIN item i ON i.id = n.source`,
    [
      turn.owner,
      ids,
      sources,
      texts(items.map(({ parent }) => parent ?? "")),
      bigints(items.map(({ slot }) => slot)),
      BigInt(turn.seq)
    ]
  )
  yield* sql.unsafe(
    `WITH changed AS (
       INSERT INTO item_state (owner, id, path, own_tags, eff_tags, viewers)
       SELECT $1, id, path, own::int[], eff::int[], $6::int[]
       FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) r (id, path, own, eff)
       RETURNING id, own_tags, viewers, eff_tags AS tags, true AS is_live),
     begun AS (INSERT INTO item_own_tag (owner, tag, item) SELECT $1, unnest(own_tags), id FROM changed),
     ${tagDelta(1, "$7")}, ${applyDelta("$1")}
     SELECT count(*) FROM changed`,
    [
      turn.owner,
      ids,
      texts(items.map(({ path }) => path)),
      texts(items.map(({ own }) => arrayText(own))),
      texts(items.map(({ eff }) => arrayText(eff))),
      arrayText(viewers),
      alwaysSeeing(turn)
    ]
  )
  return yield* writeContent(turn, ids, sources)
})

interface Unfinished {
  readonly item: string
  readonly status: string
  readonly name: string
  readonly url: string | null
  readonly sha256: string | null
}

/** The content of the copies, each in its first generation; answers what is still to be done about some. */
const writeContent = Effect.fnUntraced(function* (turn: Turn, ids: unknown, sources: unknown) {
  const sql = yield* SqlClient.SqlClient
  const pairs = `unnest($1::uuid[], $2::uuid[]) n (id, source)`
  yield* sql.unsafe(
    `INSERT INTO item_content (item, owner, gen, flow, ${contentColumns})
     SELECT n.id, $3, 1, $4, ${contentColumns} FROM ${pairs} JOIN item_content c ON c.item = n.source`,
    [ids, sources, turn.owner, turn.flow]
  )
  yield* sql.unsafe(
    `INSERT INTO item_blob (item, role, sha256, width, height, gen)
     SELECT n.id, b.role, b.sha256, b.width, b.height, 1 FROM ${pairs} JOIN item_content c ON c.item = n.source
       JOIN item_blob b ON b.item = c.item AND b.gen = c.gen`,
    [ids, sources]
  )
  const unfinished = yield* sql.unsafe<Unfinished>(
    `SELECT c.item, c.status, c.url, i.name, b.sha256 FROM unnest($1::uuid[]) n (id) JOIN item_content c ON c.item = n.id
       JOIN item i ON i.id = c.item LEFT JOIN item_blob b ON b.item = c.item AND b.role = 'content'
     WHERE c.status = 'processing'`,
    [ids]
  )
  return unfinished.flatMap((held) => followUpOf(held.item, 1, { ...held, gen: 1 }))
})

export const copy = Effect.fnUntraced(function* (turn: Turn, command: CommandOf<"copy">) {
  const parent = yield* findParent(turn, command.parent)
  const root = yield* findSeen(turn, command.item)
  if (parent !== null && root.owner === turn.owner && isWithin(parent.path, root.path))
    return yield* refuse("WouldCycle", `${parent.id} stands below ${root.id}`)
  const sources = yield* sourcesOf(turn, root.id)
  const items = place(turn, sources, parent, yield* reserveSlots(turn, sources.length))
  if (items.some(({ path }) => depthOf(path) > deepest))
    return yield* refuse("TooDeep", `a tree has at most ${deepest} levels`)
  const next: Array<FollowUp> = []
  for (let from = 0; from < items.length; from += chunk) {
    next.push(...(yield* write(turn, items.slice(from, from + chunk), parent?.viewers ?? [])))
    yield* turn.progress({ items: Math.min(from + chunk, items.length), of: items.length })
  }
  return { changed: items.length, next } satisfies Change
})
