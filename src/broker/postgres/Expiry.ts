/**
 * Drops records that are older than their topic keeps them and that every
 * group has read: a queue that is paused for a month loses nothing. In chunks, from
 * the old end of each partition: readers stand further on in the index and
 * never walk over what was dropped, however long the vacuum takes.
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import type { BrokerError } from "../BrokerError.ts"
import { refused } from "../rows/refused.ts"
import type { StoredTopic, Topics } from "../rows/Topics.ts"

const chunk = 5_000

/** Drops one chunk of one partition; answers how many records went. */
const dropChunk = (sql: PgClient.PgClient, topic: StoredTopic, partition: number) =>
  sql.withTransaction(
    Effect.gen(function* () {
      const gone = yield* sql.unsafe<{ offset: bigint }>(
        `DELETE FROM record WHERE (topic, partition, "offset") IN (
           SELECT topic, partition, "offset" FROM (
             SELECT topic, partition, "offset", at FROM record
             WHERE topic = $1 AND partition = $2 ORDER BY "offset" LIMIT $3) old
           WHERE old.at < now() - make_interval(secs => $4::float8 / 1000)
             AND old."offset" < (SELECT coalesce(min(c.committed), 9223372036854775807) FROM group_claim c
               WHERE c.topic = $1 AND c.partition = $2))
         RETURNING "offset"`,
        [topic.id, partition, chunk, String(topic.retentionMs)]
      )
      if (gone.length > 0) {
        const first = gone.reduce((most, row) => (row.offset > most ? row.offset : most), 0n) + 1n
        yield* sql`UPDATE topic_partition SET first_offset = greatest(first_offset, ${first})
          WHERE topic = ${topic.id}::int2 AND partition = ${partition}`
      }
      return gone.length
    })
  )

/** Drops all that is too old, partition by partition; answers how many records went. */
export const expireRecords = (sql: PgClient.PgClient, topics: Topics): Effect.Effect<number, BrokerError> =>
  Effect.gen(function* () {
    let dropped = 0
    for (const topic of yield* topics.all) {
      for (let partition = 0; partition < topic.partitions; partition++) {
        let last = chunk
        while (last === chunk) {
          last = yield* refused("expire")(dropChunk(sql, topic, partition))
          dropped += last
        }
      }
    }
    return dropped
  })
