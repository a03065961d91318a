/**
 * Topics in a Kafka of the campaign's own. Its brokers are killed and come
 * back, never two at a time: of one broker nobody is left meanwhile, of three
 * leaders and coordinators move. Each stands behind a proxy whose connections can be cut.
 */
import { Effect, Fiber } from "effect"
import type { Scope } from "effect"
import type { KafkaUnavailable } from "../support/kafka/KafkaCluster.ts"
import { startKafka } from "../support/kafka/startKafka.ts"
import { oneOf } from "./chance.ts"
import { behind } from "./ChaosBroker.ts"
import type { ChaosBroker } from "./ChaosBroker.ts"
import type { Hit } from "./faults.ts"
import { startProxy } from "./Proxy.ts"

/** What befalls a Kafka besides what befalls everybody. */
export const kafkaKinds = ["broker", "line"] as const

/** The ends of the topics are written into the database every second: so long none may be behind, ms. */
const settledMs = 2_500

const unread = Effect.flatMap(behind, (n) =>
  n > 0 ? Effect.succeed(n) : Effect.andThen(Effect.sleep(settledMs), behind)
)

const nobody: Hit = { pids: [], lastsMs: 0, end: () => undefined, workersKilled: 0 }

export const makeKafkaBroker = (brokers: 1 | 3): Effect.Effect<ChaosBroker, KafkaUnavailable, Scope.Scope> =>
  Effect.gen(function* () {
    const nodes = Array.from({ length: brokers }, (_, index) => index + 1)
    let direct: ReadonlyArray<string> = []
    const proxies = yield* Effect.forEach(nodes, (node) =>
      Effect.orDie(
        startProxy(() => {
          const { hostname, port } = new URL(`tcp://${direct[node - 1]}`)
          return { host: hostname, port: Number(port), noDelay: true }
        })
      )
    )
    const advertised = proxies.map(({ port }) => `127.0.0.1:${port}`)
    const cluster = yield* startKafka({ brokers, advertised })
    direct = cluster.direct
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
            if (isDown) return null
            isDown = true
            const node = oneOf(random, nodes)
            const killed = Effect.runFork(cluster.kill(node))
            const back = Effect.gen(function* () {
              yield* Fiber.await(killed)
              yield* cluster.start(node)
              isDown = false
            })
            return {
              ...nobody,
              lastsMs: 200 + random() * 3_000,
              end: () => void Effect.runFork(Effect.tapError(back, (error) => Effect.logError(error.message)))
            }
          }
        },
        {
          kind: "line",
          share: 3,
          skipped: () => null,
          hit: ({ random }) => {
            oneOf(random, proxies).cut()
            return nobody
          }
        }
      ]
    }
  })
