/**
 * A Kafka of a test's own, by the best way there is: containers where a
 * runtime answers and has the image, else JVMs. Which of them, and why not the
 * better one, is said in one line.
 */
import { Effect } from "effect"
import type { Scope } from "effect"
import { kafkaJars } from "./jars.ts"
import { startJvmCluster } from "./jvmCluster.ts"
import { KafkaUnavailable, kafkaVersion } from "./KafkaCluster.ts"
import type { KafkaCluster, KafkaOptions } from "./KafkaCluster.ts"

export type KafkaChoice =
  | { readonly kind: "given"; readonly bootstrap: ReadonlyArray<string> }
  | { readonly kind: "container"; readonly image: string }
  | { readonly kind: "jvm"; readonly because: string }

/** Testcontainers is loaded only by those who may need it. */
const containers = Effect.promise(() => import("./containerCluster.ts"))

/** What a cluster of a test's own is made of. */
export const ownChoice: Effect.Effect<KafkaChoice, KafkaUnavailable> = Effect.gen(function* () {
  const { ensureImage, kafkaImage } = yield* containers
  const image = yield* Effect.result(ensureImage)
  if (image._tag === "Success") return { kind: "container", image: kafkaImage() }
  const because = image.failure.reason
  return yield* kafkaJars.pipe(
    Effect.as({ kind: "jvm", because } as const),
    Effect.mapError(
      ({ reason }) => new KafkaUnavailable({ reason: `${because}; no broker in a JVM either: ${reason}` })
    )
  )
})

/** What the tests run on: `KAFKA_BROKERS` where it is given, else containers, else JVMs. */
export const kafkaChoice: Effect.Effect<KafkaChoice, KafkaUnavailable> = Effect.suspend(() => {
  const given = (process.env["KAFKA_BROKERS"] ?? "").split(",").filter((address) => address !== "")
  return given.length === 0 ? ownChoice : Effect.succeed({ kind: "given", bootstrap: given })
})

/** The line that says what was chosen. */
export const sayChoice = (choice: KafkaChoice): string => {
  switch (choice.kind) {
    case "given":
      return `Kafka for the tests: ${choice.bootstrap.join(",")}, as KAFKA_BROKERS says`
    case "container":
      return `Kafka for the tests: containers of ${choice.image}`
    case "jvm":
      return `Kafka for the tests: ${kafkaVersion} in JVMs, as ${choice.because}`
  }
}

/**
 * Starts a cluster that the test may lose nodes of, also where `KAFKA_BROKERS`
 * names one that must not be touched. Returns when groups can join. Needs real time (`it.live`).
 */
export const startKafka = (options: KafkaOptions = {}): Effect.Effect<KafkaCluster, KafkaUnavailable, Scope.Scope> =>
  Effect.gen(function* () {
    const choice = options.secured === undefined ? yield* ownChoice : undefined
    if (choice?.kind !== "container") return yield* startJvmCluster(options)
    const { startContainerCluster } = yield* containers
    return yield* startContainerCluster(options)
  })
