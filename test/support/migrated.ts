/** A fresh database with all tables of Postroom, on the PostgreSQL of the run. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer } from "effect"
import type { Redacted } from "effect"
import { brokerMigrations } from "../../src/broker/rows/migrations.ts"
import { migrate } from "../../src/database/Migration.ts"
import { journalMigrations } from "../../src/journal/sql/migrations.ts"
import { freshDatabase } from "./postgres.ts"

/** One process's clients on a database that exists. */
export const clientOf = (url: Redacted.Redacted, connections = 8) =>
  Layer.orDie(PgClient.layer({ url, maxConnections: connections, maxMessageSize: 256 * 1024 * 1024 }))

/** A fresh database whose migrations have run; gone with the scope. */
export const migratedDatabase = Effect.gen(function* () {
  const database = yield* freshDatabase
  yield* Effect.orDie(Effect.provide(migrate([...brokerMigrations, ...journalMigrations]), clientOf(database.url, 1)))
  return database
})

/** `SqlClient` and `PgClient` on a fresh database whose migrations have run. */
export const migrated = Layer.unwrap(Effect.map(migratedDatabase, ({ url }) => clientOf(url)))
