/** Database, topics and journal of an installation, as one layer. */
import { Data, Effect, Layer, Redacted } from "effect"
import { accessSync, constants, mkdirSync } from "node:fs"
import { converterMigrations } from "../actors/converter/conversions.ts"
import { treeMigrations } from "../actors/tree/migrations.ts"
import type { KafkaSettings } from "../broker/kafka/client.ts"
import { brokerMigrations } from "../broker/rows/migrations.ts"
import * as PostgresBroker from "../broker/postgres/PostgresBroker.ts"
import type { Settings } from "../config/settings.ts"
import * as Database from "../database/Database.ts"
import * as DatabaseClock from "../database/DatabaseClock.ts"
import * as Locks from "../database/Locks.ts"
import { journalMigrations } from "../journal/sql/migrations.ts"
import * as SqlJournal from "../journal/sql/SqlJournal.ts"
import * as Producer from "../runtime/Producer.ts"
import { postgresHome, settleIn } from "./logHome.ts"
import { contentMigrations } from "../services/content/migrations.ts"
import { layerMetered } from "./meteredJournal.ts"

export const migrations = [
  ...brokerMigrations,
  ...journalMigrations,
  ...converterMigrations,
  ...contentMigrations,
  ...treeMigrations
]

/** The folder of an installation cannot be used. */
export class FolderRefused extends Data.TaggedError("FolderRefused")<{
  readonly folder: string
  readonly detail: string
}> {
  override get message() {
    return `DATA_DIR=${this.folder} cannot be used: ${this.detail}. Name a folder that this user may write to.`
  }
}

const makeFolder = (folder: string) =>
  Effect.try({
    try: () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      accessSync(folder, constants.W_OK | constants.X_OK)
    },
    catch: (cause) => new FolderRefused({ folder, detail: (cause as Error).message })
  })

type StorageSettings = Pick<Settings, "databaseUrl" | "dataDir" | "kafkaBrokers"> &
  Partial<Pick<Settings, "kafkaPrefix" | "kafkaTls" | "kafkaSasl" | "kafkaUser" | "kafkaPassword">>

/** How to get to Kafka; null where the topics are in Postgres. */
const kafkaOf = (settings: StorageSettings): KafkaSettings | null => {
  const { kafkaBrokers, kafkaSasl: mechanism = "none" } = settings
  if (kafkaBrokers === null) return null
  const password = settings.kafkaPassword ?? null
  return {
    brokers: kafkaBrokers.split(",").map((one) => one.trim()),
    prefix: settings.kafkaPrefix ?? "",
    ssl: settings.kafkaTls === "on",
    sasl:
      mechanism === "none"
        ? null
        : ({
            mechanism,
            username: settings.kafkaUser ?? "",
            password: password === null ? "" : Redacted.value(password)
          } as NonNullable<KafkaSettings["sasl"]>)
  }
}

/** SqlClient and Journal by the settings: what the state of tasks is asked of and told to. */
export const layerJournal = (settings: Pick<Settings, "databaseUrl" | "dataDir">) => {
  const ready = settings.databaseUrl === null ? makeFolder(settings.dataDir) : Effect.void
  const database = Database.layer({ url: settings.databaseUrl, dataDir: settings.dataDir, migrations })
  return layerMetered.pipe(
    Layer.provide(SqlJournal.layer),
    Layer.provideMerge(database),
    Layer.provideMerge(Layer.effectDiscard(ready))
  )
}

// Read where it is wanted: who has no Kafka starts without its client.
const kafkaBroker = Effect.promise(() => import("../broker/kafka/KafkaBroker.ts"))

const layerBroker = (kafka: KafkaSettings | null) =>
  Layer.unwrap(
    Effect.gen(function* () {
      if (kafka === null) {
        yield* settleIn(postgresHome)
        return PostgresBroker.layer()
      }
      const { homeOf, layer } = yield* kafkaBroker
      yield* settleIn(yield* homeOf(kafka))
      return layer(kafka)
    })
  )

/**
 * SqlClient, Broker and Journal by the settings, and what stands on them: the producer, locks, and the time. The broker
 * has the machine's own clock: it has to see that a machine slept before the database is asked.
 */
export const layerStorage = (settings: StorageSettings) =>
  Layer.mergeAll(Producer.layer, Locks.layer).pipe(
    Layer.provideMerge(layerBroker(kafkaOf(settings))),
    Layer.merge(DatabaseClock.layer),
    Layer.provideMerge(layerJournal(settings))
  )

/** Where the topics are in Kafka, what adds partitions to some of them there; null where they are in Postgres. */
export const addPartitionsBy = (settings: StorageSettings) => {
  const kafka = kafkaOf(settings)
  return kafka === null
    ? null
    : (topics: ReadonlyArray<string>, count: number) =>
        Effect.flatMap(kafkaBroker, ({ addPartitions }) => addPartitions(kafka, topics, count))
}

/** Removes the topics that stand under the prefix of the settings, which must have one. */
export const removeTopics = (settings: StorageSettings) =>
  Effect.gen(function* () {
    const kafka = kafkaOf(settings)
    if (kafka === null || kafka.prefix === "") return
    const { removeAll } = yield* kafkaBroker
    yield* removeAll(kafka)
  })
