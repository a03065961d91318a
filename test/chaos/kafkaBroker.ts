/** Topics in a Kafka of the campaign's own, whose one broker is killed and comes back. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Fiber } from "effect"
import type { Scope } from "effect"
import type { KafkaUnavailable } from "../support/kafka/KafkaCluster.ts"
import { startKafka } from "../support/kafka/startKafka.ts"
import type { ChaosBroker } from "./ChaosBroker.ts"

/** The ends of the topics are written into the database every second: so long none may be behind, ms. */
const settledMs = 2_500

const unread = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const look = Effect.map(
    sql<{ n: bigint }>`
      SELECT (SELECT count(*) FROM outbox) + coalesce(sum(greatest(0, p.next_offset - coalesce(a.next_offset, 0))), 0)::int8 AS n
      FROM queue q JOIN topic t ON t.name = q.topic JOIN topic_partition p ON p.topic = t.id
      LEFT JOIN assignment a ON a.queue = q.id AND a.partition = p.partition`,
    ([row]) => Number(row!.n)
  )
  const first = yield* look
  if (first > 0) return first
  yield* Effect.sleep(settledMs)
  return yield* look
})

export const makeKafkaBroker: Effect.Effect<ChaosBroker, KafkaUnavailable, Scope.Scope> = Effect.gen(function* () {
  const cluster = yield* startKafka({ brokers: 1 })
  let isDown = false
  return {
    kafkaBrokers: cluster.bootstrap.join(","),
    unread,
    faults: [
      {
        kind: "broker",
        share: 4,
        skipped: () => null,
        hit: ({ random }) => {
          if (isDown) return { pids: [], lastsMs: 0, end: () => undefined, workersKilled: 0 }
          isDown = true
          const killed = Effect.runFork(cluster.kill(1))
          const back = Effect.gen(function* () {
            yield* Fiber.await(killed)
            yield* cluster.start(1)
            isDown = false
          })
          return {
            pids: [],
            lastsMs: 200 + random() * 3_000,
            end: () => void Effect.runFork(Effect.tapError(back, (error) => Effect.logError(error.message))),
            workersKilled: 0
          }
        }
      }
    ]
  }
})
