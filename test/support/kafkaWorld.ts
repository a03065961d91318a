/** A database and topics of its own in the Kafka of the run, for one test. */
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer } from "effect"
import { Kafka, logLevel } from "kafkajs"
import { randomUUID } from "node:crypto"
import type { Broker } from "../../src/broker/Broker.ts"
import type { KafkaBrokerOptions } from "../../src/broker/kafka/KafkaBroker.ts"
import { sharedKafka } from "./kafka/kafka.ts"
import { kafkaProcess } from "./kafkaProcess.ts"
import { clientOf, migratedDatabase } from "./migrated.ts"

/** The one topic there is in it. */
export const topic = "work"

/** A database, topics of its own, a broker on them and a client of the database; `process` is another process's. */
export const kafkaWorld = (partitions: number, options: Partial<KafkaBrokerOptions> = {}) =>
  Effect.gen(function* () {
    const brokers = options.brokers ?? (yield* sharedKafka)
    const { url } = yield* migratedDatabase
    const prefix = `${randomUUID()}.`
    const process = kafkaProcess(url, { ...options, brokers, prefix })
    const broker = yield* process
    yield* broker.ensureTopics([{ name: topic, partitions, retentionMs: 3_600_000 }])
    const sql = Context.get(yield* Layer.build(clientOf(url, 2)), PgClient.PgClient)
    return { brokers, url, prefix, process, broker, sql }
  })

/** The values of a partition, as text. */
export const valuesOf = (broker: Broker["Service"], partition = 0) =>
  Effect.map(broker.read({ topic, partition, from: 0, limit: 1_000 }), (records) =>
    records.map(({ value }) => new TextDecoder().decode(value!))
  )

/** kafkajs as somebody else would use it. */
export const kafkaOf = (brokers: ReadonlyArray<string>) =>
  new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })

/** An admin of the cluster, until the scope ends. */
export const adminOf = (brokers: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const made = kafkaOf(brokers).admin()
      await made.connect()
      return made
    }),
    (made) => Effect.promise(() => made.disconnect())
  )
