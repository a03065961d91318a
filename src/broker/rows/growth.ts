/**
 * More partitions for a topic. Keys move to other partitions by that, so it
 * happens only at a moment when nothing of the topic is under way: in one
 * transaction every append to it is held back, that is looked at, and the
 * number is changed. Who waited to append finds the new number in the rows it
 * locks and places its records anew (places.ts).
 */
import { Duration, Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql"
import { texts } from "../../database/columns.ts"

export interface Growth<E> {
  /** Topics that grow together. */
  readonly topics: ReadonlyArray<string>
  readonly partitions: number
  /** Whether appends hold rows of the partitions (they are in Postgres), or only of the topics (they are in Kafka). */
  readonly appendsLockPartitions: boolean
  /** What of them is still under way, in words; null where nothing is. */
  readonly underWay: Effect.Effect<string | null, E>
  /** Adds the partitions where the records are. */
  readonly addPartitions: Effect.Effect<void, E>
  /** How long appends may be held back, ms. */
  readonly holdMs: number
}

const lookMs = 20

/** Grows the topics where nothing of them is under way within `holdMs`; else answers what was, and all is as before. */
export const growTopics = <E>(
  growth: Growth<E>
): Effect.Effect<string | null, E | SqlError.SqlError, SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => {
    const names = texts(growth.topics)
    const looks = Math.max(1, Math.ceil(growth.holdMs / lookMs))

    const look = (left: number): Effect.Effect<string | null, E> =>
      Effect.flatMap(growth.underWay, (what) =>
        what === null || left <= 1
          ? Effect.succeed(what)
          : Effect.andThen(Effect.sleep(Duration.millis(lookMs)), look(left - 1))
      )

    return sql.withTransaction(
      Effect.gen(function* () {
        yield* sql.unsafe(
          `SELECT id FROM topic WHERE name = ANY ($1::text[]) ORDER BY name COLLATE "C" FOR NO KEY UPDATE`,
          [names]
        )
        if (growth.appendsLockPartitions) {
          yield* sql.unsafe(
            `SELECT partition FROM topic_partition WHERE topic IN (SELECT id FROM topic WHERE name = ANY ($1::text[]))
             ORDER BY topic, partition FOR UPDATE`,
            [names]
          )
        }
        const what = yield* look(looks)
        if (what !== null) return what
        yield* growth.addPartitions
        yield* sql.unsafe(`UPDATE topic SET partitions = $2 WHERE name = ANY ($1::text[])`, [names, growth.partitions])
        yield* sql.unsafe(
          `UPDATE topic_partition SET among = $2 WHERE topic IN (SELECT id FROM topic WHERE name = ANY ($1::text[]))`,
          [names, growth.partitions]
        )
        yield* sql.unsafe(
          `INSERT INTO topic_partition (topic, partition, among)
           SELECT t.id, p, $2 FROM topic t, generate_series(0, $2::int4 - 1) p WHERE t.name = ANY ($1::text[])
           ON CONFLICT DO NOTHING`,
          [names, growth.partitions]
        )
        return null
      })
    )
  })
