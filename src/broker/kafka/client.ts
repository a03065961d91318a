/**
 * kafkajs as Postroom uses it: its producer and admin, and below its consumer
 * the cluster it speaks through. Its consumer is not used: it fetches and
 * commits by its own view of the group, which is late after each rebalance.
 * Each connection that may have to wait (a long fetch, a join) is apart from
 * the others, because a broker answers the requests of one in their order.
 */
import { Effect } from "effect"
import type { Scope } from "effect"
import kafkajs from "kafkajs"
import type { Admin, KafkaConfig, Producer } from "kafkajs"
import { BrokerError, BrokerUnavailable } from "../BrokerError.ts"
import { mendKafkajs } from "./mends.ts"
import { asked } from "./refused.ts"
import type { WirePartition } from "./WireRecord.ts"

/** One broker of the cluster. */
export interface Node {
  readonly fetch: (request: {
    readonly maxWaitTime: number
    readonly minBytes: number
    readonly maxBytes: number
    readonly isolationLevel: number
    readonly topics: ReadonlyArray<{
      readonly topic: string
      readonly partitions: ReadonlyArray<{ partition: number; fetchOffset: string; maxBytes: number }>
    }>
  }) => Promise<{ readonly responses: ReadonlyArray<{ readonly partitions: ReadonlyArray<WirePartition> }> }>
  readonly joinGroup: (request: {
    readonly groupId: string
    readonly sessionTimeout: number
    readonly rebalanceTimeout: number
    readonly memberId: string
    readonly groupProtocols: ReadonlyArray<{ readonly name: string; readonly metadata: Buffer }>
  }) => Promise<{
    readonly generationId: number
    readonly leaderId: string
    readonly memberId: string
    readonly members: ReadonlyArray<{ readonly memberId: string; readonly memberMetadata: Buffer }>
  }>
  readonly syncGroup: (request: {
    readonly groupId: string
    readonly generationId: number
    readonly memberId: string
    readonly groupAssignment: ReadonlyArray<{ readonly memberId: string; readonly memberAssignment: Buffer }>
  }) => Promise<{ readonly memberAssignment: Buffer }>
  readonly heartbeat: (request: {
    readonly groupId: string
    readonly groupGenerationId: number
    readonly memberId: string
  }) => Promise<unknown>
  readonly leaveGroup: (request: { readonly groupId: string; readonly memberId: string }) => Promise<unknown>
  readonly offsetCommit: (request: {
    readonly groupId: string
    readonly groupGenerationId: number
    readonly memberId: string
    readonly topics: ReadonlyArray<{
      readonly topic: string
      readonly partitions: ReadonlyArray<{ readonly partition: number; readonly offset: string }>
    }>
  }) => Promise<unknown>
}

/** Connections to the brokers and what is known of them. */
export interface Cluster {
  readonly connect: () => Promise<void>
  readonly disconnect: () => Promise<void>
  readonly isConnected: () => boolean
  readonly addTargetTopic: (topic: string) => Promise<void>
  readonly refreshMetadata: () => Promise<void>
  readonly refreshMetadataIfNecessary: () => Promise<void>
  readonly findLeaderForPartitions: (
    topic: string,
    partitions: ReadonlyArray<number>
  ) => Readonly<Record<string, ReadonlyArray<string | number>>>
  readonly findBroker: (of: { readonly nodeId: string }) => Promise<Node>
  readonly findGroupCoordinator: (of: { readonly groupId: string }) => Promise<Node>
  /** The first offsets of these partitions, or the next ones, by one question to each leader. */
  readonly fetchTopicsOffset: (
    of: ReadonlyArray<{
      readonly topic: string
      readonly partitions: ReadonlyArray<{ readonly partition: number }>
      readonly fromBeginning: boolean
    }>
  ) => Promise<
    ReadonlyArray<{
      readonly topic: string
      readonly partitions: ReadonlyArray<{ readonly partition: number; readonly offset: string }>
    }>
  >
}

export interface KafkaSettings {
  readonly brokers: ReadonlyArray<string>
  /** Whether, or with which certificates, they are spoken to by TLS. */
  readonly ssl: NonNullable<KafkaConfig["ssl"]>
  readonly sasl: KafkaConfig["sasl"] | null
  /** Put before the names of topics and groups, for installations that share a cluster. */
  readonly prefix: string
}

export interface KafkaClient {
  /** A cluster of one's own, connected; it ends with the scope. */
  readonly cluster: Effect.Effect<Cluster, BrokerError, Scope.Scope>
  readonly admin: Effect.Effect<Admin, BrokerError, Scope.Scope>
  /** A producer that numbers what it sends; connected; it ends with the scope. */
  readonly producer: Effect.Effect<Producer, BrokerError, Scope.Scope>
}

/** Answers are waited for so long, ms; a process that hangs on a broker that is gone would look alive. */
const requestTimeoutMs = 10_000

/** kafkajs tries again by itself for about three seconds; longer waits are the caller's. */
const retry = { initialRetryTime: 50, maxRetryTime: 500, retries: 8 }

/** A bound for leaving: what does not answer is left to its time-outs. */
const leaveMs = "2 seconds"

export const makeClient = (settings: KafkaSettings): Effect.Effect<KafkaClient> =>
  Effect.gen(function* () {
    yield* mendKafkajs
    const kafka = new kafkajs.Kafka({
      clientId: "postroom",
      brokers: [...settings.brokers],
      ssl: settings.ssl,
      ...(settings.sasl === null ? {} : { sasl: settings.sasl! }),
      connectionTimeout: 3_000,
      requestTimeout: requestTimeoutMs,
      logLevel: kafkajs.logLevel.NOTHING,
      retry
    })
    const symbol = Object.getOwnPropertySymbols(kafka).find((one) => String(one).includes("createCluster"))!
    const makeCluster = (kafka as unknown as Record<symbol, (options: object) => Cluster>)[symbol]!

    const connected = <A extends { readonly connect: () => Promise<void>; readonly disconnect: () => Promise<void> }>(
      what: string,
      make: () => A
    ) =>
      Effect.acquireRelease(
        Effect.suspend(() => {
          const made = make()
          return Effect.as(
            asked(`connect ${what}`)(() => made.connect()),
            made
          )
        }),
        (made) =>
          Effect.ignore(
            Effect.timeoutOption(
              asked(`leave ${what}`)(() => made.disconnect()),
              leaveMs
            )
          )
      )

    return {
      cluster: connected("to Kafka", () =>
        makeCluster.call(kafka, { allowAutoTopicCreation: false, metadataMaxAge: 60_000, isolationLevel: 1 })
      ),
      admin: connected("to Kafka's admin", () => kafka.admin()),
      producer: connected("a producer", () =>
        kafka.producer({
          idempotent: true,
          maxInFlightRequests: 1,
          allowAutoTopicCreation: false,
          createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
          retry: { ...retry, retries: 20 }
        })
      )
    }
  })

/** Asks anew who leads what; where no broker of those that were known answers, from the ones that were named. */
export const lookAgain = async (cluster: Cluster): Promise<void> => {
  if (!cluster.isConnected()) await cluster.connect()
  await cluster.refreshMetadata()
}

/** The broker could not be asked, in words. */
export const unavailable = (operation: string, detail: string) =>
  new BrokerError({ operation, reason: new BrokerUnavailable({ detail }) })
