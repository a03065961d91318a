/** The Kafka that tests run on: it is there, and does what the tests will ask of it. */
import { assert, it, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { Kafka, logLevel } from "kafkajs"
import type { Admin, KafkaConfig, Producer, SASLOptions } from "kafkajs"
import { randomUUID } from "node:crypto"
import { api, once, startFaultProxy } from "../support/kafka/FaultProxy.ts"
import type { FaultProxy } from "../support/kafka/FaultProxy.ts"
import { describeOnKafka, describeOnOwnKafka, describeOnSecuredKafka, sharedKafka } from "../support/kafka/kafka.ts"
import type { KafkaCluster } from "../support/kafka/KafkaCluster.ts"
import { startKafka } from "../support/kafka/startKafka.ts"
import { untilSo } from "../support/until.ts"

/** A client that says nothing of what it tries again, and tries often. */
const clientOf = (brokers: ReadonlyArray<string>) =>
  new Kafka({
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    requestTimeout: 1_000,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 30 }
  })

const connected = <A extends Admin | Producer>(client: A) =>
  Effect.acquireRelease(
    Effect.promise(() => client.connect().then(() => client)),
    () => Effect.promise(() => client.disconnect())
  )

/** A topic of one partition, and how many records stand in it. */
const freshTopic = Effect.fnUntraced(function* (admin: Admin) {
  const topic = `support-${randomUUID()}`
  yield* Effect.promise(() => admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: false }))
  const end = Effect.promise(() => admin.fetchTopicOffsets(topic).then(([partition]) => Number(partition?.high)))
  return { topic, end }
})

const send = (producer: Producer, topic: string) =>
  Effect.promise(() => producer.send({ topic, acks: -1, messages: [{ partition: 0, value: "x" }] }))

describeOnKafka("the shared Kafka", () => {
  it.live("makes no topic that nobody has made", () =>
    Effect.gen(function* () {
      const admin = yield* connected(clientOf(yield* sharedKafka).admin({ retry: { retries: 0 } }))
      const refusal = yield* Effect.promise(() =>
        admin.fetchTopicOffsets("nobody-made-this").then(
          () => "an answer",
          (error: Error) => error.message
        )
      )
      assert.match(refusal, /does not host this topic-partition/)
    })
  )

  it.live("answers for groups at once: the first question is not told to wait", () =>
    Effect.gen(function* () {
      const admin = yield* connected(clientOf(yield* sharedKafka).admin({ retry: { retries: 0 } }))
      assert.deepStrictEqual(yield* Effect.promise(() => admin.fetchOffsets({ groupId: randomUUID(), topics: [] })), [])
    })
  )
})

/** One node behind a proxy, for the tests that wear it out. */
class Disturbed extends Context.Service<Disturbed, { readonly proxy: FaultProxy; readonly cluster: KafkaCluster }>()(
  "test/Disturbed"
) {
  static readonly layer = Layer.effect(
    Disturbed,
    Effect.gen(function* () {
      const proxy = yield* startFaultProxy
      const cluster = yield* startKafka({ advertised: [proxy.address] })
      proxy.standBefore(cluster.direct[0]!)
      return { proxy, cluster }
    })
  )
}

describeOnOwnKafka("a Kafka of a test's own", () => {
  layer(Disturbed.layer, { excludeTestServices: true, timeout: "60 seconds" })((it) => {
    it.effect("has its answers lost by a proxy: what was acknowledged to nobody is sent again", () =>
      Effect.gen(function* () {
        const { proxy, cluster } = yield* Disturbed
        const kafka = clientOf(cluster.bootstrap)
        const { topic, end } = yield* freshTopic(yield* connected(kafka.admin()))
        const producer = yield* connected(kafka.producer())
        proxy.onAnswer(once(api.produce, "swallow"))
        yield* send(producer, topic)
        assert.strictEqual(yield* end, 2)
        proxy.onAnswer(once(api.produce, "cut"))
        yield* send(producer, topic)
        assert.strictEqual(yield* end, 4)
        proxy.onRequest(once(api.produce, "swallow"))
        yield* send(producer, topic)
        assert.strictEqual(yield* end, 5)
      })
    )

    it.effect("has a request held back until it is let go", () =>
      Effect.gen(function* () {
        const { proxy, cluster } = yield* Disturbed
        const { topic, end } = yield* freshTopic(yield* connected(clientOf(cluster.direct).admin()))
        const producer = yield* connected(new Kafka({ brokers: [...cluster.bootstrap] }).producer())
        const held = Promise.withResolvers<void>()
        proxy.onRequest((frame) => {
          if (frame.api !== api.produce) return "pass"
          held.resolve()
          return "hold"
        })
        const sent = producer.send({ topic, messages: [{ partition: 0, value: "x" }] })
        yield* Effect.promise(() => held.promise)
        assert.strictEqual(yield* end, 0)
        proxy.release()
        yield* Effect.promise(() => sent)
        assert.strictEqual(yield* end, 1)
      })
    )

    it.effect("loses its node and has it back, with what was written", () =>
      Effect.gen(function* () {
        const { proxy, cluster } = yield* Disturbed
        proxy.onRequest(() => "pass")
        const kafka = clientOf(cluster.bootstrap)
        const { topic, end } = yield* freshTopic(yield* connected(kafka.admin()))
        const producer = yield* connected(kafka.producer())
        yield* send(producer, topic)
        yield* cluster.kill(1)
        yield* cluster.start(1)
        yield* send(producer, topic)
        assert.strictEqual(yield* end, 2)
        yield* cluster.stop(1)
        yield* cluster.start(1)
        yield* send(producer, topic)
        assert.strictEqual(yield* end, 3)
      })
    )
  })

  it.live(
    "of three nodes goes on with two",
    () =>
      Effect.gen(function* () {
        const cluster = yield* startKafka({ brokers: 3 })
        const kafka = clientOf(cluster.bootstrap)
        const admin = yield* connected(kafka.admin())
        const { topic, end } = yield* freshTopic(admin)
        const inSync = Effect.promise(() =>
          admin.fetchTopicMetadata({ topics: [topic] }).then(({ topics }) => topics[0]!.partitions[0]!.isr.length)
        )
        // Idempotent: what the lost leader had written is not written again.
        const producer = yield* connected(kafka.producer({ idempotent: true }))
        yield* send(producer, topic)
        yield* cluster.kill(1)
        yield* send(producer, topic)
        yield* cluster.start(1)
        // Back is who has caught up: before that, the next loss is one too many.
        yield* untilSo(
          "all three are in sync",
          Effect.map(inSync, (nodes) => nodes === 3),
          60
        )
        yield* cluster.kill(2)
        yield* send(producer, topic)
        assert.strictEqual(yield* end, 3)
      }),
    120_000
  )
})

describeOnSecuredKafka("a Kafka that is locked", () => {
  it.live("lets only those in who come by TLS and know the password, by each way of saying it", () =>
    Effect.gen(function* () {
      const login = { username: "postroom", password: "right" }
      const { bootstrap, certificate } = yield* startKafka({ secured: login })
      const ask = (brokers: ReadonlyArray<string>, options: Partial<KafkaConfig>) =>
        Effect.promise(async () => {
          const admin = new Kafka({
            brokers: [...brokers],
            logLevel: logLevel.NOTHING,
            retry: { retries: 0 },
            ...options
          }).admin()
          try {
            await admin.connect()
            return (await admin.describeCluster()).brokers.length
          } catch (cause) {
            return (cause as Error).name
          } finally {
            await admin.disconnect()
          }
        })
      const ssl = { ca: certificate! }
      for (const mechanism of ["plain", "scram-sha-256", "scram-sha-512"] as const) {
        assert.strictEqual(yield* ask(bootstrap, { ssl, sasl: { ...login, mechanism } as SASLOptions }), 1)
        const wrong = { ...login, mechanism, password: "wrong" } as SASLOptions
        assert.strictEqual(yield* ask(bootstrap, { ssl, sasl: wrong }), "KafkaJSSASLAuthenticationError")
      }
      assert.isString(yield* ask(bootstrap, { ssl: {}, sasl: { ...login, mechanism: "plain" } }))
      assert.isString(yield* ask(bootstrap, {}))
    })
  )
})
