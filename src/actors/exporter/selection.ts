/**
 * The items of an export, in pages and in the order of their trees. Every page
 * asks anew what the requester sees: what was taken away while the export is
 * made is not in what is still to come. What is not seen is as what is not there.
 */
import { Effect, Option, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { texts, uuids } from "../../database/columns.ts"
import type { ExportSelection } from "../../domain/export/ExportRequest.ts"
import { tagsOf } from "../../domain/tree/Tag.ts"
import { endOf, isWithin } from "../../domain/tree/Path.ts"

/** Who wants the export. */
export interface Requester {
  /** The user's number; 0, who is nobody, where nobody knows the user yet. */
  readonly viewer: number
  readonly admin: boolean
}

/** An item of a page. */
export interface SelectedItem {
  readonly id: string
  readonly ownerNumber: number
  readonly owner: string
  readonly isOwner: boolean
  readonly path: string
  readonly type: "collection" | "item"
  readonly name: string
  readonly tags: ReadonlyArray<string>
  readonly effectiveTags: ReadonlyArray<string>
  readonly createdAt: Date | null
  /** Whether it has the tags that are asked for. */
  readonly matches: boolean
  /** Whether it has, or is to have, content. */
  readonly hasContent: boolean
  readonly sha256: string | null
  readonly size: bigint | null
  readonly mediaType: string | null
  readonly width: number | null
  readonly height: number | null
  /** JSON. */
  readonly exif: string | null
}

/** $1 is the requester's number, $2 whether that is an admin. */
const seen = `s.deleted_with IS NULL
  AND ($2::boolean OR o.is_public OR s.owner = $1::int OR s.viewers @> ARRAY[$1::int])`

const from = `item_state s JOIN item i ON i.id = s.id JOIN tree_owner o ON o.owner = s.owner
  JOIN tree_user u ON u.id = s.owner`

const wordsOf = (numbers: string) =>
  `ARRAY(SELECT w.name FROM tree_tag w WHERE w.id = ANY (${numbers}) ORDER BY w.name COLLATE "C")`

/** $3 are the tags that are asked for. */
const matches = `(SELECT count(*) FROM tree_tag t WHERE t.name = ANY ($3::text[]) AND t.id = ANY (s.eff_tags))
  = cardinality($3::text[])`

const columns = `i.id, s.owner AS "ownerNumber", u.name AS owner, s.owner = $1::int AS "isOwner", s.path,
  i.type, i.name, ${wordsOf("s.own_tags")} AS tags, ${wordsOf("s.eff_tags")} AS "effectiveTags",
  p.begun_at AS "createdAt", ${matches} AS matches, c.item IS NOT NULL AS "hasContent", b.sha256, f.size,
  f.media_type AS "mediaType", c.width, c.height, c.exif`

const files = `LEFT JOIN item_blob b ON b.item = s.id AND b.role = 'content' LEFT JOIN blob f ON f.sha256 = b.sha256`

const all = `${from} LEFT JOIN tree_operation p ON p.owner = i.owner AND p.seq = i.created_seq
  LEFT JOIN item_content c ON c.item = s.id ${files}`

/** The requester called `name`. */
export const requesterOf = Effect.fnUntraced(function* (name: string, admin: boolean) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ id: number }>`SELECT id FROM tree_user WHERE name = ${name}`
  return { viewer: row?.id ?? 0, admin } satisfies Requester
})

/** A part of the selection: one item by itself, or a branch. */
interface Root {
  readonly id: string
  readonly owner: number
  readonly path: string
  readonly isWhole: boolean
}

/** What is asked for and seen, in the order of the trees, none within another; and what is not found. */
export interface Plan {
  readonly roots: ReadonlyArray<Root>
  readonly missing: ReadonlyArray<string>
  /** Kept spellings. */
  readonly tags: ReadonlyArray<string>
}

export const planOf = Effect.fnUntraced(function* (
  { viewer, admin }: Requester,
  { items, below = true, tags = [] }: ExportSelection
) {
  const sql = yield* SqlClient.SqlClient
  const wanted = [...new Set(items)]
  const rows = yield* sql.unsafe<{ id: string; owner: number; path: string; type: string }>(
    `SELECT s.id, s.owner, s.path, i.type FROM ${from} WHERE s.id = ANY ($3::uuid[]) AND ${seen} ORDER BY s.owner, s.path`,
    [viewer, admin, uuids(wanted)]
  )
  const roots: Array<Root> = []
  let branch: Root | null = null
  for (const { type, ...row } of rows) {
    if (branch !== null && branch.owner === row.owner && isWithin(row.path, branch.path)) continue
    const root: Root = { ...row, isWhole: below && type === "collection" }
    if (root.isWhole) branch = root
    roots.push(root)
  }
  const found = new Set(rows.map(({ id }) => id))
  return { roots, missing: wanted.filter((id) => !found.has(id)).sort(), tags: tagsOf(tags) } satisfies Plan
})

/** Items, and bytes of their files, that an export is going to have. */
export interface Extent {
  readonly items: number
  readonly bytes: number
}

/** How much a plan comes to as things stand. */
export const measure = Effect.fnUntraced(function* ({ viewer, admin }: Requester, { roots, tags }: Plan) {
  const sql = yield* SqlClient.SqlClient
  let items = 0
  let bytes = 0
  const count = (where: string, parameters: ReadonlyArray<unknown>) =>
    Effect.map(
      sql.unsafe<{ items: bigint; bytes: bigint }>(
        `SELECT count(*) AS items, coalesce(sum(f.size), 0)::int8 AS bytes FROM ${from} ${files}
         WHERE ${where} AND ${seen} AND ${matches}`,
        [viewer, admin, texts(tags), ...parameters]
      ),
      ([row]) => {
        items += Number(row!.items)
        bytes += Number(row!.bytes)
      }
    )
  for (const { owner, path, isWhole } of roots)
    if (isWhole) yield* count(`s.owner = $4 AND s.path >= $5 AND s.path < $6`, [owner, path, endOf(path)])
  const single = roots.flatMap(({ id, isWhole }) => (isWhole ? [] : [id]))
  if (single.length > 0) yield* count(`s.id = ANY ($4::uuid[])`, [uuids(single)])
  return { items, bytes } satisfies Extent
})

/** Whether the requester sees an item now. */
export const isSeen = Effect.fnUntraced(function* ({ viewer, admin }: Requester, id: string) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe(`SELECT 1 FROM ${from} WHERE s.id = $3::uuid AND ${seen}`, [viewer, admin, id])
  return rows.length > 0
})

/** Items that are read at once: so few that what the requester sees is asked often. */
const page = 64

/** Items by themselves that stand beside each other, or one branch. */
type Part = { readonly ids: ReadonlyArray<string> } | { readonly branch: Root }

const partsOf = (roots: ReadonlyArray<Root>): ReadonlyArray<Part> => {
  const parts: Array<Part> = []
  let ids: Array<string> = []
  for (const root of roots) {
    if (!root.isWhole && ids.length > 0 && ids.length < page) {
      ids.push(root.id)
      continue
    }
    if (root.isWhole) {
      ids = []
      parts.push({ branch: root })
    } else {
      ids = [root.id]
      parts.push({ ids })
    }
  }
  return parts
}

/** A page of what was asked for: what is seen of it, and what is gone that was there when the plan was made. */
export interface Page {
  readonly items: ReadonlyArray<SelectedItem>
  readonly gone: ReadonlyArray<string>
}

/** The pages of a plan. */
export const pagesOf = ({ viewer, admin }: Requester, { roots, tags }: Plan) => {
  const read = (where: string, parameters: ReadonlyArray<unknown>) =>
    Effect.flatMap(SqlClient.SqlClient, (sql) =>
      sql.unsafe<SelectedItem>(
        `SELECT ${columns} FROM ${all} WHERE ${where} AND ${seen} ORDER BY s.owner, s.path LIMIT ${page}`,
        [viewer, admin, texts(tags), ...parameters]
      )
    )

  const single = (ids: ReadonlyArray<string>) =>
    Effect.map(read(`s.id = ANY ($4::uuid[])`, [uuids(ids)]), (items): Page => {
      const found = new Set(items.map(({ id }) => id))
      return { items, gone: ids.filter((id) => !found.has(id)) }
    })

  const branch = ({ id, owner, path }: Root) =>
    Stream.paginate(path, (next: string) =>
      Effect.map(read(`s.owner = $4 AND s.path >= $5 AND s.path < $6`, [owner, next, endOf(path)]), (items) => {
        const last = items.at(-1)
        const gone = next === path && items[0]?.id !== id ? [id] : []
        // The next path there can be: what stands below the last one, or behind it.
        const after = items.length < page || last === undefined ? Option.none<string>() : Option.some(`${last.path}0`)
        return [[{ items, gone } satisfies Page], after] as const
      })
    )

  return Stream.fromIterable(partsOf(roots)).pipe(
    Stream.flatMap((part) => ("ids" in part ? Stream.fromEffect(single(part.ids)) : branch(part.branch)))
  )
}
