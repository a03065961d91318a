/** Database, topics and journal of an installation, as one layer. */
import { Data, Effect, Layer } from "effect"
import { brokerMigrations } from "../broker/postgres/migrations.ts"
import * as PostgresBroker from "../broker/postgres/PostgresBroker.ts"
import type { Settings } from "../config/settings.ts"
import * as Database from "../database/Database.ts"
import { journalMigrations } from "../journal/sql/migrations.ts"
import * as SqlJournal from "../journal/sql/SqlJournal.ts"
import { layerMetered } from "./meteredJournal.ts"

export const migrations = [...brokerMigrations, ...journalMigrations]

/** Asked for something that this version cannot do. */
export class NotYet extends Data.TaggedError("NotYet")<{ readonly what: string }> {
  override get message() {
    return this.what
  }
}

/** SqlClient, Broker and Journal by the settings. */
export const layerStorage = (settings: Pick<Settings, "databaseUrl" | "dataDir" | "kafkaBrokers">) => {
  const database = Database.layer({ url: settings.databaseUrl, dataDir: settings.dataDir, migrations })
  const refuseKafka =
    settings.kafkaBrokers === null
      ? Effect.void
      : Effect.fail(
          new NotYet({ what: "KAFKA_BROKERS is set, but this version keeps its topics in PostgreSQL only: unset it" })
        )
  return Layer.mergeAll(PostgresBroker.layer(), layerMetered.pipe(Layer.provide(SqlJournal.layer))).pipe(
    Layer.provideMerge(database),
    Layer.provideMerge(Layer.effectDiscard(refuseKafka))
  )
}
