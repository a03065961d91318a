/** What the journal says of the bench's queue. */
import { Duration, Effect } from "effect"
import { SqlClient } from "effect/sql"

/** How many offsets of the queue are journalled: a handful of rows, so it can be asked often. */
export const journalledOffsets = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ n: bigint | null }>`SELECT sum(next_offset)::int8 AS n FROM assignment`
  return Number(row?.n ?? 0n)
})

/** How many tasks have ended, by state, and how often a success was followed by an earlier one's start. */
export const endedTasks = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ succeeded: bigint; otherwise: bigint }>`
    SELECT count(*) FILTER (WHERE state = 2) AS succeeded, count(*) FILTER (WHERE state > 2) AS otherwise FROM task`
  return { succeeded: Number(row!.succeeded), otherwise: Number(row!.otherwise) }
})

/** Tasks that started before the task before them of the same user and queue had ended, by the rows. */
export const overlapsInJournal = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ n: bigint }>`
    SELECT count(*) AS n FROM (
      SELECT started_at, lag(ended_at) OVER (PARTITION BY queue, user_key ORDER BY "offset") AS before FROM task) t
    WHERE t.started_at < t.before`
  return Number(row!.n)
})

/** Waits until `count` tasks have succeeded; a full count is only asked for when the offsets say that it may be so. */
export const untilSucceeded = (count: number, lookEveryMs = 5) =>
  Effect.gen(function* () {
    while ((yield* journalledOffsets) < count) yield* Effect.sleep(Duration.millis(lookEveryMs))
    while ((yield* endedTasks).succeeded < count) yield* Effect.sleep(Duration.millis(lookEveryMs))
  })

/** Moves what was just filled in to disk, so that the measurement does not pay for it. */
export const settle = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CHECKPOINT`
})

/** Where the server's write-ahead log ends, in bytes since its beginning. */
export const walEnd = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ at: number }>`SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 AS at`
  return row!.at
})
