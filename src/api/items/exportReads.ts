/** Exports as their requester may see them: what was asked for, how its task stands, and what was made. */
import { Clock, Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { ExportFormat } from "../../domain/export/ExportRequest.ts"
import { isFinal } from "../../domain/TaskState.ts"
import { stateOf } from "../../journal/sql/TaskRows.ts"
import { exportColumns, storedOf } from "../../services/content/exports.ts"
import type { ExportRow } from "../../services/content/exports.ts"
import type { ExportView } from "../ExportsContract.ts"
import { timeOf } from "../present.ts"
import { partsOf } from "../query.ts"

export const exportType = "export.requested"

type Nullable<A> = { readonly [Key in keyof A]: A[Key] | null }

interface FoundRow extends Nullable<ExportRow> {
  readonly id: string
  readonly at: Date
  /** Of `at`, in which a page goes on. */
  readonly micros: bigint
  /** JSON of the request; null where it did not come as an event. */
  readonly data: string | null
  readonly state: number | null
  readonly progress: string | null
  readonly reason: string | null
}

const columns = `e.task AS id, e.at, (extract(epoch FROM e.at) * 1000000)::int8 AS micros, e.data,
  t.state, t.progress, t.reason, ${exportColumns}`

const joined = `LEFT JOIN task t ON t.id = e.task LEFT JOIN export x ON x.id = e.task`

const isThere = `x.gone IS DISTINCT FROM 'removed'`

const viewOf = (row: FoundRow, now: number): ExportView => {
  const made = row.sha256 === undefined || row.made_at === null ? null : storedOf(row as ExportRow)
  const isOver = made !== null && (made.sha256 === null || made.expiresAt <= now)
  const task = row.state === null ? "queued" : stateOf(row.state)
  // What was made is there, even if a crash kept its task from being written down as ended.
  const status = made === null ? task : isOver ? "expired" : "succeeded"
  const requested = row.data === null ? null : (JSON.parse(row.data) as { readonly format: ExportFormat })
  return {
    id: row.id,
    status,
    reason: made === null ? row.reason : null,
    format: made?.format ?? requested?.format ?? null,
    requestedAt: timeOf(row.at.getTime()),
    progress: made === null && !isFinal(task) && row.progress !== null ? (JSON.parse(row.progress) as unknown) : null,
    madeAt: made === null ? null : timeOf(made.madeAt),
    expiresAt: made === null ? null : timeOf(made.expiresAt),
    items: made?.items ?? null,
    files: made?.files ?? null,
    size: made?.size ?? null,
    sha256: isOver ? null : (made?.sha256 ?? null),
    skippedCount: made?.skipped ?? null,
    skipped: made?.skips ?? []
  }
}

/** The user's export `id`; null where there is none, or where it is another's. */
export const readExport = Effect.fnUntraced(function* (user: string, id: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<FoundRow>(
    // One that came straight from the topic has no event.
    `SELECT ${columns} FROM (
       SELECT task, user_key, at, data FROM event WHERE task = $2::uuid AND type = '${exportType}'
       UNION ALL
       SELECT id, user_key, queued_at, NULL FROM task q WHERE id = $2::uuid AND type = '${exportType}'
         AND NOT EXISTS (SELECT 1 FROM event WHERE task = q.id)) e ${joined}
     WHERE e.user_key = $1 AND ${isThere}`,
    [user, id]
  )
  return row === undefined ? null : viewOf(row, yield* Clock.currentTimeMillis)
})

/** Behind which export a page begins. */
export interface After {
  readonly micros: number
  readonly id: string
}

/** The place a cursor names; the contract knows its shape. */
export const afterOf = (cursor: string): After => {
  const [micros, id] = partsOf(cursor)
  return { micros, id }
}

/** A page of a user's exports, newest first, and where the next one begins. */
export const listExports = Effect.fnUntraced(function* (user: string, after: After | null, limit: number) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe<FoundRow>(
    `SELECT ${columns} FROM event e ${joined}
     WHERE e.type = '${exportType}' AND e.user_key = $1 AND ${isThere}
       AND ($2::int8 IS NULL OR (e.at, e.task) < ('epoch'::timestamptz + $2 * interval '1 microsecond', $3::uuid))
     ORDER BY e.at DESC, e.task DESC LIMIT $4`,
    [user, after === null ? null : BigInt(after.micros), after?.id ?? null, limit]
  )
  const now = yield* Clock.currentTimeMillis
  const last = rows.at(-1)
  return {
    exports: rows.map((row) => viewOf(row, now)),
    next: last === undefined || rows.length < limit ? null : `${last.micros}-${last.id}`
  }
})
