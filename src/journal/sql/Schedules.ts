/** Schedules as rows. Due ones are locked while their ticks are emitted, so one process fires each tick. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

import type { Misfire, Schedule, Timing } from "../../domain/Schedule.ts"
import { refused } from "./refused.ts"

interface Row {
  readonly id: string
  readonly topic: string
  readonly key: string | null
  readonly type: string
  readonly data: string
  readonly timing: string
  readonly misfire: string
  readonly paused: boolean
  readonly next_at: Date | null
  readonly last_at: Date | null
}

const scheduleOf = (row: Row): Schedule => ({
  id: row.id,
  topic: row.topic,
  user: row.key,
  type: row.type,
  data: row.data,
  timing: JSON.parse(row.timing) as Timing,
  misfire: row.misfire as Misfire,
  paused: row.paused,
  nextAt: row.next_at?.getTime() ?? null,
  lastAt: row.last_at?.getTime() ?? null
})

const instant = (ms: number | null) => (ms === null ? null : new Date(ms))

type Tick<E, R> = (due: ReadonlyArray<Schedule>) => Effect.Effect<ReadonlyArray<Schedule>, E, R>

export const makeSchedules = Effect.map(SqlClient.SqlClient, (sql) => ({
  put: (schedule: Schedule) =>
    refused("put schedule")(
      Effect.asVoid(sql`
        INSERT INTO schedule (id, topic, key, type, data, timing, misfire, paused, next_at, last_at)
        VALUES (${schedule.id}, ${schedule.topic}, ${schedule.user}, ${schedule.type}, ${schedule.data},
          ${JSON.stringify(schedule.timing)}, ${schedule.misfire}, ${schedule.paused},
          ${instant(schedule.nextAt)}::timestamptz, ${instant(schedule.lastAt)}::timestamptz)
        ON CONFLICT (id) DO UPDATE SET topic = excluded.topic, key = excluded.key, type = excluded.type,
          data = excluded.data, timing = excluded.timing, misfire = excluded.misfire, paused = excluded.paused,
          next_at = CASE WHEN schedule.timing = excluded.timing THEN schedule.next_at ELSE excluded.next_at END`)
    ),
  remove: (id: string) => refused("remove schedule")(Effect.asVoid(sql`DELETE FROM schedule WHERE id = ${id}`)),
  all: refused("read schedules")(
    Effect.map(sql<Row>`SELECT * FROM schedule ORDER BY id`, (rows) => rows.map(scheduleOf))
  ),
  due: <E, R>(now: number, tick: Tick<E, R>) => {
    const fire = sql.withTransaction(
      Effect.gen(function* () {
        const rows =
          yield* sql<Row>`SELECT * FROM schedule WHERE NOT paused AND next_at <= ${new Date(now)}::timestamptz
          ORDER BY next_at LIMIT 500 FOR UPDATE SKIP LOCKED`
        if (rows.length === 0) return 0
        for (const schedule of yield* tick(rows.map(scheduleOf))) {
          yield* sql`UPDATE schedule SET next_at = ${instant(schedule.nextAt)}::timestamptz,
            last_at = ${instant(schedule.lastAt)}::timestamptz WHERE id = ${schedule.id}`
        }
        return rows.length
      })
    )
    // Asked four times a second by every process: nothing is due nearly always, and a transaction is three questions.
    return refused("tick schedules")(
      Effect.flatMap(
        sql`SELECT 1 FROM schedule WHERE NOT paused AND next_at <= ${new Date(now)}::timestamptz LIMIT 1`,
        (due) => (due.length === 0 ? Effect.succeed(0) : fire)
      )
    )
  }
}))
