/**
 * How rows come to refer to blobs that the sweep leaves alone. Within a
 * transaction a blob is claimed first: its row is locked against the sweep, and
 * its bytes are looked for wherever the row does not vouch for them. Content
 * that arrives is held for the task that will put it to use, so that it
 * may wait in a queue for as long as it has to.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { bigints, texts } from "../../database/columns.ts"
import { Blobs } from "../blobs/Blobs.ts"
import type { StagedBlob } from "../blobs/Blobs.ts"

/** A blob as rows know it. */
export interface KnownBlob {
  readonly sha256: string
  /** Bytes. */
  readonly size: number
  readonly mediaType: string
}

/** Locks the rows that are there, and answers the names that a row vouches for. */
const vouched = Effect.fnUntraced(function* (names: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe<{ sha256: string; vouches: boolean }>(
    `SELECT sha256, unreferenced_at IS NULL AS vouches FROM blob WHERE sha256 = ANY ($1::text[])
     ORDER BY sha256 FOR KEY SHARE`,
    [texts(names)]
  )
  return new Set(rows.filter(({ vouches }) => vouches).map(({ sha256 }) => sha256))
})

const vouch = Effect.fnUntraced(function* (names: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  if (names.length === 0) return
  yield* sql.unsafe(`UPDATE blob SET unreferenced_at = NULL WHERE sha256 = ANY ($1::text[])`, [texts(names)])
})

/** Whether the store has a blob. */
const isStored = (sha256: string) =>
  Effect.flatMap(Blobs, (blobs) =>
    blobs.head(sha256).pipe(
      Effect.as(true),
      Effect.catchReason("BlobError", "NotFound", () => Effect.succeed(false))
    )
  )

/**
 * Within a transaction: from here to its end rows may be written that refer to
 * `wanted`, but for those that are answered, which the store does not have.
 */
export const claim = Effect.fnUntraced(function* (wanted: ReadonlyArray<KnownBlob>) {
  const sql = yield* SqlClient.SqlClient
  const blobs = [...new Map(wanted.map((blob) => [blob.sha256, blob])).values()]
  const known = yield* vouched(blobs.map(({ sha256 }) => sha256))
  const doubtful = blobs.filter(({ sha256 }) => !known.has(sha256))
  if (doubtful.length === 0) return []
  // Marked until their bytes were seen. The lock makes a sweep wait, and waits for one that is at it.
  yield* sql.unsafe(
    `INSERT INTO blob AS b (sha256, size, media_type, unreferenced_at)
     SELECT sha256, size, media_type, now() FROM unnest($1::text[], $2::int8[], $3::text[]) w (sha256, size, media_type)
     ORDER BY sha256 ON CONFLICT (sha256) DO UPDATE SET size = b.size`,
    [
      texts(doubtful.map(({ sha256 }) => sha256)),
      bigints(doubtful.map(({ size }) => size)),
      texts(doubtful.map(({ mediaType }) => mediaType))
    ]
  )
  const found = yield* Effect.filter(doubtful, ({ sha256 }) => isStored(sha256), { concurrency: 8 })
  yield* vouch(found.map(({ sha256 }) => sha256))
  const present = new Set(found)
  return doubtful.filter((blob) => !present.has(blob)).map(({ sha256 }) => sha256)
})

/**
 * Keeps staged content and holds it: for the task `holder` until that has ended,
 * or for any other `holder` until the time `until`, in milliseconds since 1970.
 */
export const keepHeld = Effect.fn("content.keepHeld")(function* (
  staged: StagedBlob,
  mediaType: string,
  holder: string,
  until?: number
) {
  const sql = yield* SqlClient.SqlClient
  const { sha256, size } = staged
  // Before the transaction: what takes long must not be waited for under a lock.
  yield* staged.keep
  yield* sql.withTransaction(
    Effect.gen(function* () {
      const missing = yield* claim([{ sha256, size, mediaType }])
      if (missing.length > 0) {
        // Swept between the two.
        yield* staged.keep
        yield* vouch(missing)
      }
      yield* sql.unsafe(
        `INSERT INTO blob_hold (sha256, holder, until) VALUES ($1, $2::uuid, $3::timestamptz)
         ON CONFLICT (holder, sha256) DO UPDATE SET until = excluded.until`,
        [sha256, holder, until === undefined ? null : new Date(until)]
      )
    })
  )
  return { sha256, size, mediaType } satisfies KnownBlob
})

/** Lets go of what was held for `holder`. */
export const letGo = Effect.fnUntraced(function* (holder: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(`DELETE FROM blob_hold WHERE holder = $1::uuid`, [holder])
})
