/** Where the topics end and how far behind the groups are. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { refused } from "../rows/refused.ts"
import type { Topics } from "../rows/Topics.ts"

interface EndRow {
  readonly partition: number
  readonly first_offset: bigint
  readonly next_offset: bigint
}

interface LagRow extends EndRow {
  readonly committed: bigint | null
}

const endOf = (row: EndRow) => ({
  partition: row.partition,
  first: Number(row.first_offset),
  next: Number(row.next_offset)
})

export const makeLags = (topics: Topics) =>
  Effect.map(SqlClient.SqlClient, (sql) => ({
    /** First and next offset of each partition. */
    ends: Effect.fn("Broker.ends")(function* (name: string) {
      const topic = yield* topics.get(name)
      const rows = yield* sql<EndRow>`SELECT partition, first_offset, next_offset FROM topic_partition
        WHERE topic = ${topic.id}::int2 ORDER BY partition`.pipe(refused("read ends"))
      return rows.map(endOf)
    }),
    /** Committed offset and what is left, per partition; a group that never committed is behind by all. */
    lag: Effect.fn("Broker.lag")(function* (group: string, name: string) {
      const topic = yield* topics.get(name)
      const rows = yield* sql<LagRow>`SELECT p.partition, p.first_offset, p.next_offset, c.committed
        FROM topic_partition p LEFT JOIN group_claim c
          ON c.topic = p.topic AND c.partition = p.partition AND c.group_name = ${group}
        WHERE p.topic = ${topic.id}::int2 ORDER BY p.partition`.pipe(refused("read lag"))
      return rows.map((row) => {
        const ends = endOf(row)
        const committed = Math.max(Number(row.committed ?? 0n), ends.first)
        return { ...ends, committed, lag: ends.next - committed }
      })
    })
  }))
