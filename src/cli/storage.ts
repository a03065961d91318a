/** Database, topics and journal of an installation, as one layer. */
import { Data, Effect, Layer } from "effect"
import { accessSync, constants, mkdirSync } from "node:fs"
import { converterMigrations } from "../actors/converter/conversions.ts"
import { brokerMigrations } from "../broker/postgres/migrations.ts"
import * as PostgresBroker from "../broker/postgres/PostgresBroker.ts"
import type { Settings } from "../config/settings.ts"
import * as Database from "../database/Database.ts"
import { journalMigrations } from "../journal/sql/migrations.ts"
import * as SqlJournal from "../journal/sql/SqlJournal.ts"
import { layerMetered } from "./meteredJournal.ts"

export const migrations = [...brokerMigrations, ...journalMigrations, ...converterMigrations]

/** Asked for something that this version cannot do. */
export class NotYet extends Data.TaggedError("NotYet")<{ readonly what: string }> {
  override get message() {
    return this.what
  }
}

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

/** SqlClient, Broker and Journal by the settings. */
export const layerStorage = (settings: Pick<Settings, "databaseUrl" | "dataDir" | "kafkaBrokers">) => {
  const ready = settings.databaseUrl === null ? makeFolder(settings.dataDir) : Effect.void
  const database = Database.layer({ url: settings.databaseUrl, dataDir: settings.dataDir, migrations })
  const refuseKafka =
    settings.kafkaBrokers === null
      ? Effect.void
      : Effect.fail(
          new NotYet({ what: "KAFKA_BROKERS is set, but this version keeps its topics in PostgreSQL only: unset it" })
        )
  return Layer.mergeAll(PostgresBroker.layer(), layerMetered.pipe(Layer.provide(SqlJournal.layer))).pipe(
    Layer.provideMerge(database),
    Layer.provideMerge(Layer.effectDiscard(Effect.andThen(refuseKafka, ready)))
  )
}
