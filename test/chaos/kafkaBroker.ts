/** Topics in a Kafka of the campaign's own, whose one broker is killed and comes back. */
import { Effect, Fiber } from "effect"
import type { Scope } from "effect"
import type { KafkaUnavailable } from "../support/kafka/KafkaCluster.ts"
import { startKafka } from "../support/kafka/startKafka.ts"
import { behind } from "./ChaosBroker.ts"
import type { ChaosBroker } from "./ChaosBroker.ts"

/** The ends of the topics are written into the database every second: so long none may be behind, ms. */
const settledMs = 2_500

const unread = Effect.flatMap(behind, (n) =>
  n > 0 ? Effect.succeed(n) : Effect.andThen(Effect.sleep(settledMs), behind)
)

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
