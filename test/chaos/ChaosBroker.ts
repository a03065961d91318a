/** What chaos needs to know of where the topics live, so that another broker can take its place. */
import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import type { Fault } from "./faults.ts"

export interface ChaosBroker {
  /** KAFKA_BROKERS of the processes; null: the topics are in the database. */
  readonly kafkaBrokers: string | null
  /** What can befall the broker itself, besides what befalls everybody. */
  readonly faults: ReadonlyArray<Fault>
  /** Records that the journal has not taken in yet. */
  readonly unread: Effect.Effect<number, unknown, PgClient.PgClient>
}

/** Records on their way and records that are read but not journalled yet, by the ends that the database knows. */
export const behind = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const [row] = yield* sql<{ n: bigint }>`
    SELECT (SELECT count(*) FROM outbox) + coalesce(sum(greatest(0, p.next_offset - coalesce(a.next_offset, 0))), 0)::int8 AS n
    FROM queue q JOIN topic t ON t.name = q.topic JOIN topic_partition p ON p.topic = t.id
    LEFT JOIN assignment a ON a.queue = q.id AND a.partition = p.partition`
  return Number(row!.n)
})

/** Topics in the tables of the database, whose faults are the database's. */
export const postgresBroker: ChaosBroker = { kafkaBrokers: null, faults: [], unread: behind }
