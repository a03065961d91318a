/**
 * Exports that were made: files that are nobody's but the requester's, kept for
 * a while. The row refers to the file, so that the sweep leaves it alone, and is
 * written whole or not at all: half an export is never seen.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { ExportFormat } from "../../domain/export/ExportRequest.ts"
import type { Skip } from "../../domain/export/Skip.ts"
import type { StagedBlob } from "../blobs/Blobs.ts"
import { claim, keepHeld, letGo } from "./references.ts"

/** What an export has come to. */
export interface Made {
  /** Items that are in it, collections included. */
  readonly items: number
  /** Files of items that are in it. */
  readonly files: number
  readonly skipped: number
  /** The first of what was skipped. */
  readonly skips: ReadonlyArray<Skip>
}

/** An export as its row has it. */
export interface StoredExport extends Made {
  readonly requestedBy: string
  readonly format: ExportFormat
  /** Null once it is gone. */
  readonly sha256: string | null
  /** Bytes. */
  readonly size: number
  readonly madeAt: number
  readonly expiresAt: number
  readonly gone: "expired" | "removed" | null
}

const mediaTypes: Readonly<Record<ExportFormat, string>> = {
  zip: "application/zip",
  csv: "text/csv",
  json: "application/json"
}

/** The media type of exports of a format. */
export const typeOfExport = (format: ExportFormat): string => mediaTypes[format]

export interface ExportRow {
  readonly requested_by: string
  readonly format: ExportFormat
  readonly sha256: string | null
  readonly size: bigint
  readonly items: number
  readonly files: number
  readonly skipped: number
  readonly skips: string
  readonly made_at: Date
  readonly expires_at: Date
  readonly gone: "expired" | "removed" | null
}

export const exportColumns =
  "x.requested_by, x.format, x.sha256, x.size, x.items, x.files, x.skipped, x.skips, x.made_at, x.expires_at, x.gone"

export const storedOf = (row: ExportRow): StoredExport => ({
  requestedBy: row.requested_by,
  format: row.format,
  sha256: row.sha256,
  size: Number(row.size),
  items: row.items,
  files: row.files,
  skipped: row.skipped,
  skips: JSON.parse(row.skips) as ReadonlyArray<Skip>,
  madeAt: row.made_at.getTime(),
  expiresAt: row.expires_at.getTime(),
  gone: row.gone
})

/** The export `id`; null where none was made. */
export const readStored = Effect.fnUntraced(function* (id: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<ExportRow>(`SELECT ${exportColumns} FROM export x WHERE x.id = $1::uuid`, [id])
  return row === undefined ? null : storedOf(row)
})

/** Keeps what is staged as the export of the task `id`. One that is there already stays what it is. */
export const keepExport = Effect.fn("content.keepExport")(function* (
  id: string,
  staged: StagedBlob,
  {
    requestedBy,
    format,
    madeAt,
    expiresAt,
    ...made
  }: Made & Pick<StoredExport, "requestedBy" | "format" | "madeAt" | "expiresAt">
) {
  const sql = yield* SqlClient.SqlClient
  // Held first: from here to the row that refers to it no sweep takes it.
  const blob = yield* keepHeld(staged, typeOfExport(format), id)
  yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* claim([blob])
      yield* sql.unsafe(
        `INSERT INTO export (id, requested_by, format, sha256, size, items, files, skipped, skips, made_at, expires_at)
         VALUES ($1::uuid, $2, $3, $4, $5::int8, $6, $7, $8, $9, $10::timestamptz, $11::timestamptz)
         ON CONFLICT (id) DO NOTHING`,
        [
          id,
          requestedBy,
          format,
          blob.sha256,
          BigInt(blob.size),
          made.items,
          made.files,
          made.skipped,
          JSON.stringify(made.skips),
          new Date(madeAt),
          new Date(expiresAt)
        ]
      )
      yield* letGo(id)
    })
  )
})

/** Has an export gone for good: its file where it has one, and what is told of it. */
export const removeExport = Effect.fnUntraced(function* (id: string, requestedBy: string, format: ExportFormat) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(
    `INSERT INTO export (id, requested_by, format, size, items, files, skipped, skips, made_at, expires_at, gone)
     VALUES ($1::uuid, $2, $3, 0, 0, 0, 0, '[]', now(), now(), 'removed')
     ON CONFLICT (id) DO UPDATE SET sha256 = NULL, gone = 'removed'`,
    [id, requestedBy, format]
  )
})

/** Lets go of the files of exports whose time is over; answers how many. */
export const endExports = Effect.fnUntraced(function* (now: number) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe(
    `UPDATE export SET sha256 = NULL, gone = 'expired' WHERE gone IS NULL AND expires_at <= $1::timestamptz RETURNING 1`,
    [new Date(now)]
  )
  return rows.length
})
