/**
 * Which topics exist and how many partitions each has. Read once and kept: the
 * number of partitions changes only where nothing of a topic is under way
 * (growth.ts), and who appends by the old one is told then, and forgets.
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
  /** How many there were when it was made. */
  readonly declared: number
  readonly retentionMs: number
}

export interface Topics {
  readonly ensure: (specs: ReadonlyArray<TopicSpec>) => Effect.Effect<void, BrokerError>
  /** The topic by name, asked of the database once. */
  readonly get: (name: string) => Effect.Effect<StoredTopic, BrokerError>
  /** The topic by name where it is known already. */
  readonly known: (name: string) => StoredTopic | undefined
  readonly all: Effect.Effect<ReadonlyArray<StoredTopic>, BrokerError>
  /** One of them has grown: they are asked for anew. */
  readonly forget: () => void
}

export const makeTopics = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const byName = new Map<string, StoredTopic>()

  const load = sql<{ id: number; name: string; partitions: number; declared: number; retention_ms: bigint }>`
    SELECT id, name, partitions, declared, retention_ms FROM topic ORDER BY id`.pipe(
    refused("read topics"),
    Effect.map((rows) => {
      for (const row of rows) {
        byName.set(row.name, {
          id: row.id,
          name: row.name,
          partitions: row.partitions,
          declared: row.declared,
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
            `INSERT INTO topic (name, partitions, declared, retention_ms)
             SELECT s.name, s.partitions, s.partitions, s.retention FROM unnest($1::text[], $2::int4[], $3::int8[]) s (name, partitions, retention)
             ON CONFLICT (name) DO UPDATE SET retention_ms = excluded.retention_ms
             WHERE topic.retention_ms <> excluded.retention_ms`,
            [names, ints(sorted.map((s) => s.partitions)), bigints(sorted.map((s) => s.retentionMs))]
          )
          yield* sql.unsafe(
            `INSERT INTO topic_partition (topic, partition, among)
             SELECT t.id, p, t.partitions FROM topic t, generate_series(0, t.partitions - 1) p WHERE t.name = ANY ($1::text[])
             ON CONFLICT DO NOTHING`,
            [names]
          )
        })
      )
      .pipe(refused("create topics"))
    yield* load
    for (const spec of specs) {
      const { partitions: actual, declared } = byName.get(spec.name)!
      if (actual !== spec.partitions && declared !== spec.partitions) {
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

  return {
    ensure,
    get,
    known: (name: string) => byName.get(name),
    all: load,
    forget: () => byName.clear()
  } satisfies Topics
})
