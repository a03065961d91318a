/**
 * Removes blobs that nobody refers to, in two phases. One pass marks them; a
 * later one, when the grace is over, locks the row of each, looks for references
 * once more, and removes file and row while new references wait. The file goes
 * first: a crash in between leaves a marked row, which vouches for nothing.
 */
import { Clock, Effect, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { texts } from "../../database/columns.ts"
import { Blobs } from "../blobs/Blobs.ts"
import type { ListedBlob } from "../blobs/Blobs.ts"
import { endExports } from "./exports.ts"
import { KeptBlobs } from "./limits.ts"

/** What a pass did. */
export interface Swept {
  /** Exports whose time is over. */
  readonly exports: number
  /** Holds whose task is over or whose time has come. */
  readonly holds: number
  /** Blobs that nobody refers to since now. */
  readonly marked: number
  readonly removed: number
  /** Removed blobs that no row knew. */
  readonly orphans: number
  /** Bytes of all removed. */
  readonly bytes: number
}

const unreferenced = (sha256: string) =>
  `NOT EXISTS (SELECT 1 FROM item_blob r WHERE r.sha256 = ${sha256})
   AND NOT EXISTS (SELECT 1 FROM blob_hold h WHERE h.sha256 = ${sha256})
   AND NOT EXISTS (SELECT 1 FROM export x WHERE x.sha256 = ${sha256})`

/**
 * A task that has ended needs what it held no more, unless somebody tries it again before the grace is over. What is not
 * known as a task may still wait in its topic, for as long as topics are kept.
 */
const endHolds = Effect.fnUntraced(function* (now: Date, old: Date, older: Date) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe(
    `DELETE FROM blob_hold h WHERE h.until <= $1::timestamptz OR h.until IS NULL AND (
       h.at <= $2::timestamptz AND EXISTS (SELECT 1 FROM task t WHERE t.id = h.holder AND t.state >= 2)
       OR h.at <= $3::timestamptz AND NOT EXISTS (SELECT 1 FROM task t WHERE t.id = h.holder)) RETURNING 1`,
    [now, old, older]
  )
  return rows.length
})

const mark = Effect.fnUntraced(function* (now: Date) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe(
    `UPDATE blob b SET unreferenced_at = $1::timestamptz WHERE unreferenced_at IS NULL AND ${unreferenced("b.sha256")} RETURNING 1`,
    [now]
  )
  return rows.length
})

/** When a file was put last; null where there is none. */
const listed = (sha256: string) =>
  Effect.flatMap(Blobs, (blobs) => Effect.map(Stream.runCollect(blobs.list(sha256)), ([one]) => one ?? null))

/** Removes one blob that was marked before `old`; answers its bytes, or null where it stays. */
const removeMarked = Effect.fnUntraced(function* (sha256: string, old: Date) {
  const sql = yield* SqlClient.SqlClient
  const blobs = yield* Blobs
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      const [row] = yield* sql.unsafe<{ size: bigint }>(
        `SELECT size FROM blob WHERE sha256 = $1 AND unreferenced_at <= $2::timestamptz FOR UPDATE SKIP LOCKED`,
        [sha256, old]
      )
      if (row === undefined) return null
      // A statement of its own: it sees what was committed while we waited for the lock, and nothing more can come.
      const [found] = yield* sql.unsafe<{ unused: boolean }>(`SELECT ${unreferenced("$1")} AS unused`, [sha256])
      if (found!.unused !== true) {
        yield* sql.unsafe(`UPDATE blob SET unreferenced_at = NULL WHERE sha256 = $1`, [sha256])
        return null
      }
      const file = yield* listed(sha256)
      // Somebody without rows put the same bytes lately, and may rely on them for as long.
      if (file !== null && file.putAt > old.getTime()) return null
      yield* blobs.delete(sha256)
      yield* sql.unsafe(`DELETE FROM blob WHERE sha256 = $1`, [sha256])
      return Number(row.size)
    })
  )
})

/** Removes a file that no row knows; its row is made for the while, so that who wants to refer to it waits. */
const removeOrphan = Effect.fnUntraced(function* ({ sha256, size }: ListedBlob, older: Date) {
  const sql = yield* SqlClient.SqlClient
  const blobs = yield* Blobs
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      const made = yield* sql.unsafe(
        `INSERT INTO blob (sha256, size, media_type, unreferenced_at) VALUES ($1, $2::int8, '', $3::timestamptz)
         ON CONFLICT DO NOTHING RETURNING 1`,
        [sha256, BigInt(size), older]
      )
      const file = made.length === 0 ? null : yield* listed(sha256)
      if (file !== null && file.putAt <= older.getTime()) yield* blobs.delete(sha256)
      if (made.length > 0) yield* sql.unsafe(`DELETE FROM blob WHERE sha256 = $1`, [sha256])
      return file !== null && file.putAt <= older.getTime() ? size : null
    })
  )
})

const chunk = 500

const removeAllMarked = Effect.fnUntraced(function* (old: Date) {
  const sql = yield* SqlClient.SqlClient
  const sizes: Array<number> = []
  let after = ""
  while (true) {
    const rows = yield* sql.unsafe<{ sha256: string }>(
      `SELECT sha256 FROM blob WHERE unreferenced_at <= $1::timestamptz AND sha256 > $2 ORDER BY sha256 LIMIT ${chunk}`,
      [old, after]
    )
    for (const { sha256 } of rows) {
      const size = yield* removeMarked(sha256, old)
      if (size !== null) sizes.push(size)
      after = sha256
    }
    if (rows.length < chunk) return sizes
  }
})

const removeOrphans = Effect.fnUntraced(function* (older: Date) {
  const sql = yield* SqlClient.SqlClient
  const blobs = yield* Blobs
  const sizes: Array<number> = []
  const unknown = Effect.fnUntraced(function* (some: ReadonlyArray<ListedBlob>) {
    const rows = yield* sql.unsafe<{ sha256: string }>(`SELECT sha256 FROM blob WHERE sha256 = ANY ($1::text[])`, [
      texts(some.map(({ sha256 }) => sha256))
    ])
    const known = new Set(rows.map(({ sha256 }) => sha256))
    return some.filter(({ sha256 }) => !known.has(sha256))
  })
  yield* blobs.list().pipe(
    Stream.filter(({ putAt }) => putAt <= older.getTime()),
    Stream.grouped(chunk),
    Stream.mapEffect(unknown),
    Stream.runForEach((some) =>
      Effect.forEach(
        some,
        (one) =>
          Effect.map(removeOrphan(one, older), (size) => {
            if (size !== null) sizes.push(size)
          }),
        { discard: true }
      )
    )
  )
  return sizes
})

/**
 * One pass. Several at once do no harm. `orphans`: whether the whole store is listed for files that no row knows, which
 * is a question to it for every thousand of them.
 */
export const sweep = Effect.fn("content.sweep")(function* ({ orphans: listsAll }: { readonly orphans: boolean }) {
  const { graceMs, orphanMs } = yield* KeptBlobs
  const now = yield* Clock.currentTimeMillis
  const [at, old, older] = [new Date(now), new Date(now - graceMs), new Date(now - orphanMs)]
  const exports = yield* endExports(now)
  const holds = yield* endHolds(at, old, older)
  const removed = yield* removeAllMarked(old)
  const marked = yield* mark(at)
  const orphans = listsAll ? yield* removeOrphans(older) : []
  const bytes = [...removed, ...orphans].reduce((sum, size) => sum + size, 0)
  return { exports, holds, marked, removed: removed.length, orphans: orphans.length, bytes } satisfies Swept
})
