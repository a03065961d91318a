/** Items as a caller may see them. Reads only; what is not seen is as what is not there. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { ItemView } from "../ItemsContract.ts"

/** Who reads. */
export interface Reader {
  /** The caller's number; 0, who is nobody, where there is none. */
  readonly viewer: number
  readonly name: string | null
  readonly admin: boolean
}

/** The reader a request names. */
export const readerOf = Effect.fnUntraced(function* (query: { readonly user?: string; readonly admin?: boolean }) {
  const sql = yield* SqlClient.SqlClient
  const name = query.user ?? null
  const rows = name === null ? [] : yield* sql<{ id: number }>`SELECT id FROM tree_user WHERE name = ${name}`
  return { viewer: rows[0]?.id ?? 0, name, admin: query.admin ?? false } satisfies Reader
})

/** $1 is the reader's number, $2 whether an admin reads. `i`, `s`, `o` and `u` are item, state, owner and the owner's name. */
export const from = `item i JOIN item_state s ON s.id = i.id JOIN tree_owner o ON o.owner = i.owner
  JOIN tree_user u ON u.id = i.owner`

const changes = `(s.owner = $1::int OR $2::boolean)`

/** Whether the reader sees an item that is not deleted. */
export const seen = `(s.deleted_with IS NULL AND (o.is_public OR s.viewers @> ARRAY[$1::int] OR ${changes}))`

const wordsOf = (table: string, numbers: string) =>
  `ARRAY(SELECT w.name FROM ${table} w WHERE w.id = ANY (${numbers}) ORDER BY w.name COLLATE "C")`

/**
 * Whether everything has ended that came of the event by which an item got its file: then nobody is at its pictures any
 * more, whatever became of them.
 */
const isOver = `coalesce((SELECT count(t.id) FILTER (WHERE t.state >= 2) >= e.awaits + coalesce(sum(t.emitted), 0)
    - (SELECT count(*) FROM flow_skip k WHERE k.flow = e.id)
  FROM event e LEFT JOIN task t ON t.flow = e.id WHERE e.id = c.flow GROUP BY e.id), c.flow IS NOT NULL)`

const gaveUp = `(SELECT t.reason FROM task t WHERE t.flow = c.flow AND t.state > 2 ORDER BY t.seq DESC LIMIT 1)`

/** The ContentView of an item. */
const content = `(SELECT CASE WHEN c.status = 'processing' AND ${isOver}
    THEN shown || jsonb_build_object('status', 'failed', 'reason', 'GaveUp', 'message', ${gaveUp}) ELSE shown END
  FROM item_content c LEFT JOIN item_blob b ON b.item = c.item AND b.role = 'content' LEFT JOIN blob f ON f.sha256 = b.sha256,
  LATERAL (SELECT jsonb_build_object('gen', c.gen, 'status', c.status, 'reason', c.reason, 'message', c.message,
    'sha256', b.sha256, 'size', f.size, 'type', f.media_type, 'width', c.width, 'height', c.height,
    'thumbhash', c.thumbhash, 'degraded', c.degraded, 'exif', c.exif::jsonb) AS shown) view
  WHERE c.item = i.id) AS content`

/** The columns of an ItemRow. */
export const columns = `i.id, u.name AS owner, i.parent, i.type, i.name, ${wordsOf("tree_tag", "s.own_tags")} AS tags,
  ${wordsOf("tree_tag", "s.eff_tags")} AS "effectiveTags",
  CASE WHEN ${changes} THEN ${wordsOf("tree_user", "s.viewers")} END AS viewers,
  s.deleted_with AS "deletedWith", ${content}, i.owner AS "ownerNumber", i.slot, s.path`

export interface ItemRow extends ItemView {
  readonly ownerNumber: number
  readonly slot: bigint
  readonly path: string
}

export const viewOf = ({ ownerNumber: _owner, slot: _slot, path: _path, ...item }: ItemRow): ItemView => item

/** An item, also a deleted one where the reader may change it; null where there is none for this reader. */
export const readItem = Effect.fnUntraced(function* (reader: Reader, id: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<ItemRow>(
    `SELECT ${columns} FROM ${from} WHERE i.id = $3::uuid AND (${changes} OR ${seen})`,
    [reader.viewer, reader.admin, id]
  )
  return row ?? null
})

/** The children of an item, or what stands at the top of an owner's tree, behind the one numbered `after`. */
export const readChildren = Effect.fnUntraced(function* (
  reader: Reader,
  place: { readonly parent: string } | { readonly owner: string },
  after: number,
  limit: number
) {
  const sql = yield* SqlClient.SqlClient
  const [where, parameter] =
    "parent" in place
      ? [`i.parent = $3::uuid`, place.parent]
      : [`i.parent IS NULL AND i.owner = (SELECT id FROM tree_user WHERE name = $3)`, place.owner]
  return yield* sql.unsafe<ItemRow>(
    `SELECT ${columns} FROM ${from} WHERE ${where} AND i.slot > $4 AND ${seen} ORDER BY i.slot LIMIT $5`,
    [reader.viewer, reader.admin, parameter, BigInt(after), limit]
  )
})

/** Commands that are looked at: an owner's are applied in order, so the newest say whether any is left. */
const newest = 50

/**
 * Whether commands for an owner's tree have been accepted and not applied.
 * Asked before anything else is read: what is read then is at least as new.
 */
export const isApplying = Effect.fnUntraced(function* (owner: string | null) {
  if (owner === null) return false
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<{ applying: boolean }>(
    `SELECT EXISTS (
       SELECT 1 FROM (SELECT task FROM event WHERE type = 'tree.command' AND user_key = $1 ORDER BY at DESC LIMIT ${newest}) e
       WHERE NOT EXISTS (SELECT 1 FROM tree_operation WHERE command = e.task)
         AND NOT EXISTS (SELECT 1 FROM task WHERE id = e.task AND state >= 2)) AS applying`,
    [owner]
  )
  return row!.applying
})

/** What of an item's file a reader may be given. */
export interface FileRow {
  readonly sha256: string
  readonly size: bigint
  readonly type: string
  readonly name: string
}

/** A file of an item in one of its roles; null where there is none for this reader. */
export const readFile = Effect.fnUntraced(function* (reader: Reader, id: string, role: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<FileRow>(
    `SELECT b.sha256, f.size, f.media_type AS type, i.name FROM ${from}
       JOIN item_blob b ON b.item = i.id AND b.role = $4 JOIN blob f ON f.sha256 = b.sha256
     WHERE i.id = $3::uuid AND (${changes} OR ${seen})`,
    [reader.viewer, reader.admin, id, role]
  )
  return row ?? null
})
