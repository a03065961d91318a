/**
 * The content of items: what it is, and what was made of it. Each new content
 * is another generation of the item, so that what comes late about an earlier
 * one changes nothing. What is still to be done is told with the outcome.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { isPicturable } from "../../domain/tree/ContentCommand.ts"
import type { Content, StoredContent } from "../../domain/tree/ContentCommand.ts"
import type { CommandOf } from "../../domain/tree/TreeCommand.ts"
import type { FollowUp } from "../../domain/tree/TreeOutcome.ts"
import { claim } from "../../services/content/references.ts"
import { create } from "./create.ts"
import { findLive, findOwn, findParent, findSeen, refuse } from "./Turn.ts"
import type { Change, Turn } from "./Turn.ts"

const nothing: Change = { changed: 0, next: [] }

/** Refuses content that the store does not have. Comes before anything is written: a refused command changes nothing. */
const claimContent = Effect.fnUntraced(function* (content: Content) {
  if (content.kind === "remote") return
  const { sha256, size, type } = content
  const missing = yield* claim([{ sha256, size, mediaType: type }])
  if (missing.length > 0) return yield* refuse("NotStored", `the store has no ${sha256}`)
})

/** Begins the next generation of an item's content; answers its number. */
const beginContent = Effect.fnUntraced(function* (turn: Turn, item: string, url: string | null) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<{ gen: number }>(
    `INSERT INTO item_content AS c (item, owner, gen, status, url, flow) VALUES ($1::uuid, $2, 1, 'processing', $3, $4)
     ON CONFLICT (item) DO UPDATE SET gen = c.gen + 1, status = 'processing', reason = NULL, message = NULL,
       url = excluded.url, flow = excluded.flow
     RETURNING gen`,
    [item, turn.owner, url, turn.flow]
  )
  return row!.gen
})

/** Has the item show `content`, and nothing that was made of what it had before. */
const showContent = Effect.fnUntraced(function* (item: string, gen: number, { sha256, type }: StoredContent) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<{ name: string }>(
    `WITH hidden AS (DELETE FROM item_blob WHERE item = $1::uuid AND role <> 'content'),
     shown AS (
       INSERT INTO item_blob (item, role, sha256, gen) VALUES ($1::uuid, 'content', $3, $4)
       ON CONFLICT (item, role) DO UPDATE SET sha256 = excluded.sha256, width = NULL, height = NULL, gen = excluded.gen)
     UPDATE item_content c SET status = $2, reason = NULL, message = NULL, url = NULL, width = NULL, height = NULL, thumbhash = NULL, degraded = NULL,
       exif = NULL
     FROM item i WHERE c.item = $1::uuid AND i.id = c.item RETURNING i.name`,
    [item, isPicturable(type) ? "processing" : "available", sha256, gen]
  )
  return isPicturable(type) ? [{ kind: "convert", item, gen, sha256, name: row!.name } satisfies FollowUp] : []
})

const putContent = Effect.fnUntraced(function* (turn: Turn, item: string, content: Content) {
  const gen = yield* beginContent(turn, item, content.kind === "remote" ? content.url : null)
  const next: ReadonlyArray<FollowUp> =
    content.kind === "remote"
      ? [{ kind: "fetch", item, gen, url: content.url }]
      : yield* showContent(item, gen, content)
  return { changed: 1, next } satisfies Change
})

/** A new item with content. */
export const upload = Effect.fnUntraced(function* (turn: Turn, { content, ...command }: CommandOf<"upload">) {
  // Who may not put anything there is not told what the store has.
  yield* findParent(turn, command.parent)
  yield* claimContent(content)
  yield* create(turn, { ...command, type: "item" })
  return yield* putContent(turn, turn.command, content)
})

/** An item that may have content, and is not deleted. */
const findTarget = Effect.fnUntraced(function* (turn: Turn, id: string) {
  const item = yield* findLive(turn, id)
  return item.type === "item" ? item : yield* refuse("IsACollection", `${id} is a collection, which has no content`)
})

/** Other content for an item. What it had stays until the new one is there. */
export const setContent = Effect.fnUntraced(function* (turn: Turn, command: CommandOf<"setContent">) {
  const item = yield* findTarget(turn, command.item)
  yield* claimContent(command.content)
  return yield* putContent(turn, item.id, command.content)
})

const fail = Effect.fnUntraced(function* (item: string, reason: string, message: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(
    `UPDATE item_content SET status = 'failed', url = NULL, reason = $2, message = $3 WHERE item = $1::uuid`,
    [item, reason, message]
  )
  return { changed: 1, next: [] } satisfies Change
})

interface Held {
  readonly gen: number
  readonly status: string
  readonly name: string
  readonly url: string | null
  /** Of the newest generation; null while that is still to be fetched. */
  readonly sha256: string | null
}

const contentOf = Effect.fnUntraced(function* (item: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<Held>(
    `SELECT c.gen, c.status, c.url, i.name, b.sha256 FROM item_content c JOIN item i ON i.id = c.item
     LEFT JOIN item_blob b ON b.item = c.item AND b.role = 'content' AND b.gen = c.gen WHERE c.item = $1::uuid`,
    [item]
  )
  return row
})

/** Content that was to be fetched is there, or is not to be had. A deleted item learns it too: it may be restored. */
export const fetched = Effect.fnUntraced(function* (turn: Turn, command: CommandOf<"fetched">) {
  const item = yield* findOwn(turn, command.item)
  const held = yield* contentOf(item.id)
  if (held === undefined || held.gen !== command.gen || held.sha256 !== null) return nothing
  const { content } = command
  if (content.kind === "failed") return yield* fail(item.id, content.reason, content.message)
  yield* claimContent(content)
  return { changed: 1, next: yield* showContent(item.id, command.gen, content) } satisfies Change
})

/**
 * What the converter made of an item's content. Where a picture of it is gone
 * meanwhile, swept because nobody referred to it, the converter is asked again.
 */
export const attach = Effect.fnUntraced(function* (turn: Turn, command: CommandOf<"attach">) {
  const sql = yield* SqlClient.SqlClient
  const { gen, sha256, attachment } = command
  const item = yield* findOwn(turn, command.item)
  const held = yield* contentOf(item.id)
  if (held === undefined || held.gen !== gen || held.sha256 !== sha256) return nothing
  if (attachment.kind === "failed") return yield* fail(item.id, attachment.reason, attachment.message)
  const { preview, thumbnail, width, height, thumbhash, degraded, exif } = attachment
  const missing = yield* claim(
    [preview, thumbnail].map(({ sha256: name, size, format }) => ({ sha256: name, size, mediaType: `image/${format}` }))
  )
  if (missing.length > 0)
    return { changed: 0, next: [{ kind: "convert", item: item.id, gen, sha256, name: held.name }] } satisfies Change
  yield* sql.unsafe(
    `WITH shown AS (
       INSERT INTO item_blob (item, role, sha256, width, height, gen)
       VALUES ($1::uuid, 'preview', $7, $8, $9, $13), ($1::uuid, 'thumbnail', $10, $11, $12, $13)
       ON CONFLICT (item, role) DO UPDATE SET sha256 = excluded.sha256, width = excluded.width,
         height = excluded.height, gen = excluded.gen)
     UPDATE item_content SET status = 'available', reason = NULL, message = NULL, width = $2, height = $3,
       thumbhash = $4, degraded = $5, exif = $6 WHERE item = $1::uuid`,
    [
      item.id,
      width,
      height,
      thumbhash,
      degraded,
      JSON.stringify(exif),
      ...[preview, thumbnail].flatMap((derived) => [derived.sha256, derived.width, derived.height]),
      gen
    ]
  )
  return { changed: 1, next: [] } satisfies Change
})

/** What is still to be done about content that is another's too. */
export const followUpOf = (item: string, gen: number, held: Held): ReadonlyArray<FollowUp> => {
  if (held.status !== "processing") return []
  if (held.sha256 !== null) return [{ kind: "convert", item, gen, sha256: held.sha256, name: held.name }]
  return held.url === null ? [] : [{ kind: "fetch", item, gen, url: held.url }]
}

/** Columns of item_content that say what content is, and not whose. */
export const contentColumns = "status, reason, message, url, width, height, thumbhash, degraded, exif"

/** The content of another item, by reference. */
export const copyContent = Effect.fnUntraced(function* (turn: Turn, command: CommandOf<"copyContent">) {
  const sql = yield* SqlClient.SqlClient
  const item = yield* findTarget(turn, command.item)
  const source = yield* findSeen(turn, command.from)
  const held = yield* contentOf(source.id)
  if (held === undefined) return yield* refuse("NoContent", `${source.id} has no content`)
  if (source.id === item.id) return nothing
  const gen = yield* beginContent(turn, item.id, held.url)
  yield* sql.unsafe(
    `UPDATE item_content c SET (${contentColumns}) = (SELECT ${contentColumns} FROM item_content WHERE item = $2::uuid)
     WHERE c.item = $1::uuid`,
    [item.id, source.id]
  )
  if (held.sha256 !== null) yield* sql.unsafe(`DELETE FROM item_blob WHERE item = $1::uuid`, [item.id])
  yield* sql.unsafe(
    `INSERT INTO item_blob (item, role, sha256, width, height, gen)
     SELECT $1::uuid, role, sha256, width, height, $3 FROM item_blob WHERE item = $2::uuid AND gen = $4`,
    [item.id, source.id, gen, held.gen]
  )
  return { changed: 1, next: followUpOf(item.id, gen, held) } satisfies Change
})
