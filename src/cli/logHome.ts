/**
 * Which log the offsets in the database belong to: that of Postgres or of one
 * Kafka cluster. An installation may move to another once everything it has
 * taken in is done; before that, its offsets would point into the wrong log
 * and records would be left out.
 */
import { Data, Effect } from "effect"
import { SqlClient } from "effect/sql"

export const postgresHome = "postgres"

/** Tasks are under way whose records are in another log. */
export class LogMoved extends Data.TaggedError("LogMoved")<{
  readonly from: string
  readonly to: string
  readonly open: number
}> {
  override get message() {
    return `the topics of this installation were in ${this.from} and are now to be in ${this.to}, but ${this.open} tasks are not done yet: set KAFKA_BROKERS as it was, wait until all queues are empty (postroom queues), then change it.`
  }
}

// What is counted stands in the log that is left: its ends are known here, also those of Kafka, a second late.
const countOpen = `
  SELECT (SELECT count(*) FROM task WHERE state < 2) + (SELECT count(*) FROM outbox)
    + (SELECT coalesce(sum(greatest(0, p.next_offset - coalesce(a.next_offset, 0))), 0)::int8
       FROM queue q JOIN topic t ON t.name = q.topic JOIN topic_partition p ON p.topic = t.id
       LEFT JOIN assignment a ON a.queue = q.id AND a.partition = p.partition) AS open`

/** The ends of a log that begins anew, and of Postgres's own, which may have been used before. */
const endsOf = (home: string): string =>
  home === postgresHome
    ? `UPDATE topic_partition p SET (first_offset, next_offset) = (
         SELECT coalesce(min(r."offset"), 0), coalesce(max(r."offset") + 1, 0) FROM record r
         WHERE r.topic = p.topic AND r.partition = p.partition)`
    : `UPDATE topic_partition SET first_offset = 0, next_offset = 0`

/** Makes `home` the log of this installation, or refuses. */
export const settleIn = (home: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.withTransaction(
      Effect.gen(function* () {
        const [known] = yield* sql<{ home: string }>`SELECT home FROM log_home FOR UPDATE`
        const from = known?.home ?? postgresHome
        if (from === home) return
        const [row] = yield* sql.unsafe<{ open: bigint }>(countOpen)
        const open = Number(row!.open)
        if (open > 0) return yield* new LogMoved({ from, to: home, open })
        yield* sql.unsafe(endsOf(home))
        yield* sql.unsafe(`UPDATE assignment a SET epoch = a.epoch + 1, next_offset = p.next_offset
          FROM queue q JOIN topic t ON t.name = q.topic JOIN topic_partition p ON p.topic = t.id
          WHERE a.queue = q.id AND a.partition = p.partition`)
        yield* sql.unsafe(`UPDATE group_claim c SET committed = p.next_offset, session = NULL, wanted_since = NULL
          FROM topic_partition p WHERE c.topic = p.topic AND c.partition = p.partition`)
        yield* sql`UPDATE log_home SET home = ${home}`
      })
    )
  )
