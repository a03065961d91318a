/** Events as they were posted. Reads only. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { refused } from "./refused.ts"

export interface StoredEvent {
  readonly id: string
  readonly type: string
  readonly user: string
  readonly queue: string
  readonly task: string
  readonly data: string
  readonly at: number
  /** When it is to start, where that is later. */
  readonly startsAt: number | null
}

const eventColumns = `e.id, e.type, e.user_key, e.queue, e.task, e.data, e.at,
  (SELECT s.next_at FROM schedule s WHERE s.id = 'event:' || e.id) AS starts_at`

interface EventRow {
  readonly id: string
  readonly type: string
  readonly user_key: string
  readonly queue: string
  readonly task: string
  readonly data: string
  readonly at: Date
  readonly starts_at: Date | null
}

const eventOf = (row: EventRow): StoredEvent => ({
  id: row.id,
  type: row.type,
  user: row.user_key,
  queue: row.queue,
  task: row.task,
  data: row.data,
  at: row.at.getTime(),
  startsAt: row.starts_at?.getTime() ?? null
})

/** The event of this id, or the one whose first task has it; null where there is none. */
export const readEvent = (by: { readonly id: string } | { readonly task: string }) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    refused("read an event")(
      Effect.map(
        "id" in by
          ? sql.unsafe<EventRow>(`SELECT ${eventColumns} FROM event e WHERE e.id = $1`, [by.id])
          : sql.unsafe<EventRow>(`SELECT ${eventColumns} FROM event e WHERE e.task = $1::uuid`, [by.task]),
        (rows) => (rows[0] === undefined ? null : eventOf(rows[0]))
      )
    )
  )

/** The newest events, at most `limit`, of one user where it is given. */
export const listEvents = (limit: number, user: string | null) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    refused("list events")(
      Effect.map(
        user === null
          ? sql.unsafe<EventRow>(`SELECT ${eventColumns} FROM event e ORDER BY e.at DESC LIMIT $1`, [limit])
          : sql.unsafe<EventRow>(
              `SELECT ${eventColumns} FROM event e WHERE e.user_key = $2 ORDER BY e.at DESC LIMIT $1`,
              [limit, user]
            ),
        (rows) => rows.map(eventOf)
      )
    )
  )
