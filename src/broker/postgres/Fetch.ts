/**
 * Reads records. One query serves all partitions of a member; each partition
 * is bounded by count and by bytes, but always gives at least one record, so
 * a large one can never stop its partition.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { BrokerError } from "../BrokerError.ts"
import type { Headers, TopicRecord } from "../Record.ts"
import { bigints, ints } from "../../database/columns.ts"
import { refused } from "../rows/refused.ts"
import type { FetchPosition } from "../rows/Member.ts"
import type { StoredTopic } from "../rows/Topics.ts"

export interface FetchLimits {
  readonly records: number
  readonly bytes: number
}

/** Whether a fetch may have brought less than there is, because of a limit. */
export const isCut = (records: ReadonlyArray<TopicRecord>, limits: FetchLimits): boolean => {
  if (records.length >= limits.records) return true
  let bytes = 0
  for (const { value } of records) bytes += value?.length ?? 0
  return bytes >= limits.bytes
}

interface Row {
  readonly partition: number
  readonly offset: bigint
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: string
  readonly at: Date
}

const statement = `
SELECT r.partition, r."offset", r.key, r.value, r.headers, r.at
FROM unnest($2::int4[], $3::int8[]) a (partition, position),
LATERAL (
  SELECT s.*, sum(coalesce(octet_length(s.value), 0)) OVER (ORDER BY s."offset") - coalesce(octet_length(s.value), 0) AS before
  FROM (
    SELECT partition, "offset", key, value, headers, at FROM record
    WHERE topic = $1 AND partition = a.partition AND "offset" >= a.position
    ORDER BY "offset" LIMIT $4) s) r
WHERE r.before < $5
ORDER BY r.partition, r."offset"`

/** The effect that reads a topic's partitions from the given positions, in log order within each. */
export const makeFetch = Effect.map(
  SqlClient.SqlClient,
  (sql) =>
    (
      topic: StoredTopic,
      positions: ReadonlyArray<FetchPosition>,
      limits: FetchLimits
    ): Effect.Effect<ReadonlyArray<TopicRecord>, BrokerError> =>
      sql
        .unsafe<Row>(statement, [
          topic.id,
          ints(positions.map((p) => p.partition)),
          bigints(positions.map((p) => p.from)),
          limits.records,
          BigInt(limits.bytes)
        ])
        .pipe(
          Effect.map((rows) =>
            rows.map((row) => ({
              topic: topic.name,
              partition: row.partition,
              offset: Number(row.offset),
              key: row.key,
              value: row.value,
              headers: JSON.parse(row.headers) as Headers,
              timestamp: row.at.getTime()
            }))
          ),
          refused("read")
        )
)
