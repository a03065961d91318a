/**
 * A Kafka cluster in containers, of `apache/kafka` or any image of the same
 * contract (`KAFKA_…` variables, `/etc/kafka/docker/run`). A node's port is the same inside and
 * outside, so its address is known before it starts.
 */
import { Effect } from "effect"
import type { Scope } from "effect"
import { getContainerRuntimeClient, GenericContainer, ImageName, Network, Wait } from "testcontainers"
import { brokerSettings } from "./brokerSettings.ts"
import type { NodeAddress } from "./brokerSettings.ts"
import { freePorts } from "./freePorts.ts"
import { KafkaUnavailable, kafkaVersion } from "./KafkaCluster.ts"
import type { KafkaCluster, KafkaOptions } from "./KafkaCluster.ts"
import { untilAnswering, untilWarm } from "./probe.ts"

/** The image the tests use. */
export const kafkaImage = (): string => {
  const image = process.env["KAFKA_IMAGE"]
  return image === undefined || image === "" ? `apache/kafka:${kafkaVersion}` : image
}

const fails = (what: string) => (cause: unknown) =>
  new KafkaUnavailable({ reason: `${what} (${cause instanceof Error ? cause.message : String(cause)})` })

const runtime = Effect.tryPromise({
  try: () => getContainerRuntimeClient(),
  catch: fails("no container runtime answers")
})

/** Makes sure that the image is here; it is pulled where it can be. */
export const ensureImage: Effect.Effect<void, KafkaUnavailable> = Effect.gen(function* () {
  const { image } = yield* runtime
  const name = ImageName.fromString(kafkaImage())
  const pull = Effect.tryPromise({
    try: async () => (await image.exists(name)) || image.pull(name),
    catch: fails(`the image ${kafkaImage()} is not here and cannot be pulled`)
  })
  yield* Effect.timeoutOrElse(pull, {
    duration: "3 minutes",
    orElse: () => Effect.fail(new KafkaUnavailable({ reason: `pulling ${kafkaImage()} took more than 3 minutes` }))
  })
})

/** The name of a setting as the image's start script wants it. */
const variableOf = (setting: string): string =>
  `KAFKA_${setting.replaceAll("_", "__").replaceAll("-", "___").replaceAll(".", "_").toUpperCase()}`

/** Starts the nodes and returns when groups can join; all are gone with the scope. */
export const startContainerCluster = Effect.fn("startContainerCluster")(function* (
  options: KafkaOptions
): Effect.fn.Return<KafkaCluster, KafkaUnavailable, Scope.Scope> {
  const client = yield* runtime
  const host = client.info.containerRuntime.host
  const count = options.brokers ?? 1
  const ports = yield* freePorts(count)
  const network =
    count === 1
      ? undefined
      : yield* Effect.acquireRelease(
          Effect.tryPromise({ try: () => new Network().start(), catch: fails("no network for the nodes") }),
          (started) => Effect.ignore(Effect.tryPromise(() => started.stop()))
        )
  const nodes = ports.map((port, index): NodeAddress => {
    const name = network === undefined ? "localhost" : `kafka-${index + 1}`
    return {
      id: index + 1,
      client: `:${port}`,
      advertised: options.advertised?.[index] ?? `${host}:${port}`,
      internal: ":29092",
      internalAdvertised: `${name}:29092`,
      controller: ":29093",
      controllerAdvertised: `${name}:29093`
    }
  })

  const startNode = (node: NodeAddress, port: number) =>
    Effect.acquireRelease(
      Effect.tryPromise({
        try: () => {
          const settings = brokerSettings(node, nodes, options.overrides)
          const container = new GenericContainer(kafkaImage())
            .withExposedPorts({ container: port, host: port })
            .withEnvironment({
              ...Object.fromEntries(Object.entries(settings).map(([key, value]) => [variableOf(key), value])),
              KAFKA_HEAP_OPTS: "-Xmx512m"
            })
            .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
            .withStartupTimeout(120_000)
          if (network !== undefined) container.withNetwork(network).withNetworkAliases(`kafka-${node.id}`)
          return container.start()
        },
        catch: fails(`the container of node ${node.id} did not start`)
      }),
      // SIGKILL: nobody wants its data.
      (started) => Effect.ignore(Effect.tryPromise(() => started.stop({ timeout: 0 })))
    )
  const started = yield* Effect.forEach(nodes, (node, index) => startNode(node, ports[index] ?? 0), {
    concurrency: "unbounded"
  })

  const direct = ports.map((port) => `${host}:${port}`)
  yield* untilWarm(direct)

  const containerOf = (id: number) => {
    const node = started[id - 1]
    if (node === undefined) throw new RangeError(`there is no node ${id}`)
    return client.container.getById(node.getId())
  }
  /** Docker says 304 where there is nothing to do, and 409 where what is to be killed has ended. */
  const unlessDone = (call: () => Promise<unknown>) =>
    Effect.promise(() =>
      call().catch((cause: { readonly statusCode?: number }) => {
        if (cause.statusCode !== 304 && cause.statusCode !== 409) throw cause
      })
    )
  return {
    bootstrap: nodes.map(({ advertised }) => advertised),
    direct,
    certificate: null,
    kill: (id) => unlessDone(() => containerOf(id).kill()),
    stop: (id) => unlessDone(() => containerOf(id).stop({ t: 30 })),
    start: (id) =>
      Effect.andThen(
        unlessDone(() => containerOf(id).start()),
        untilAnswering(direct[id - 1] ?? "")
      )
  }
})
