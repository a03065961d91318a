/**
 * Which topics exist and how many partitions each has. Read once and kept:
 * the number of partitions never changes under a running process, because
 * keys would move and lose their order.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { TopicSpec } from "../Broker.ts"
import { BrokerError, PartitionMismatch, UnknownTopic } from "../BrokerError.ts"
import { bigints, ints, texts } from "../../database/columns.ts"
import { refused } from "./refused.ts"

export interface StoredTopic {
  readonly id: number
  readonly name: string
  readonly partitions: number
  readonly retentionMs: number
}

export interface Topics {
  readonly ensure: (specs: ReadonlyArray<TopicSpec>) => Effect.Effect<void, BrokerError>
  /** The topic by name, asked of the database once. */
  readonly get: (name: string) => Effect.Effect<StoredTopic, BrokerError>
  /** The topic by name where it is known already. */
  readonly known: (name: string) => StoredTopic | undefined
  readonly all: Effect.Effect<ReadonlyArray<StoredTopic>, BrokerError>
}

export const makeTopics = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const byName = new Map<string, StoredTopic>()

  const load = sql<{ id: number; name: string; partitions: number; retention_ms: bigint }>`
    SELECT id, name, partitions, retention_ms FROM topic ORDER BY id`.pipe(
    refused("read topics"),
    Effect.map((rows) => {
      for (const row of rows) {
        byName.set(row.name, {
          id: row.id,
          name: row.name,
          partitions: row.partitions,
          retentionMs: Number(row.retention_ms)
        })
      }
      return [...byName.values()]
    })
  )

  const ensure = Effect.fn("Broker.ensureTopics")(function* (specs: ReadonlyArray<TopicSpec>) {
    // Sorted, so that processes that start together take the unique index's locks in one order.
    const sorted = [...specs].sort((a, b) => (a.name < b.name ? -1 : 1))
    const names = texts(sorted.map((spec) => spec.name))
    yield* sql
      .withTransaction(
        Effect.gen(function* () {
          yield* sql.unsafe(
            `INSERT INTO topic (name, partitions, retention_ms)
             SELECT s.name, s.partitions, s.retention FROM unnest($1::text[], $2::int4[], $3::int8[]) s (name, partitions, retention)
             ON CONFLICT (name) DO UPDATE SET retention_ms = excluded.retention_ms
             WHERE topic.retention_ms <> excluded.retention_ms`,
            [names, ints(sorted.map((s) => s.partitions)), bigints(sorted.map((s) => s.retentionMs))]
          )
          yield* sql.unsafe(
            `INSERT INTO topic_partition (topic, partition)
             SELECT t.id, p FROM topic t, generate_series(0, t.partitions - 1) p WHERE t.name = ANY ($1::text[])
             ON CONFLICT DO NOTHING`,
            [names]
          )
        })
      )
      .pipe(refused("create topics"))
    yield* load
    for (const spec of specs) {
      const actual = byName.get(spec.name)!.partitions
      if (actual !== spec.partitions) {
        return yield* new BrokerError({
          operation: "create topics",
          reason: new PartitionMismatch({ topic: spec.name, expected: spec.partitions, actual })
        })
      }
    }
  })

  const get = Effect.fnUntraced(function* (name: string) {
    const known = byName.get(name)
    if (known !== undefined) return known
    yield* load
    const found = byName.get(name)
    if (found === undefined)
      return yield* new BrokerError({ operation: "find topic", reason: new UnknownTopic({ topic: name }) })
    return found
  })

  return { ensure, get, known: (name: string) => byName.get(name), all: load } satisfies Topics
})
