/**
 * Brings a database to the version this program knows. Forward only: each
 * component (broker, journal, …) has a numbered series, every step runs once,
 * all under one advisory lock, and a database that is newer than the program
 * is refused before anything is written.
 */
import { Data, Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql"

export interface Migration {
  /** Which series the step belongs to. */
  readonly component: string
  /** Position in the series, from 1 without gaps. */
  readonly version: number
  readonly name: string
  /** Statements, run in order in one transaction. */
  readonly statements: ReadonlyArray<string>
}

/** The database was written by a newer Postroom. */
export class DatabaseNewer extends Data.TaggedError("DatabaseNewer")<{
  readonly component: string
  readonly found: number
  readonly known: number
}> {
  override get message() {
    return `the database is newer than this program: ${this.component} is at version ${this.found}, known is ${this.known}. Start the newer Postroom, or restore a backup.`
  }
}

/** Lock number of all migrations: "post" as four bytes. */
const migrationLock = 0x706f7374

/**
 * Applies the missing steps and answers how many there were. Processes that
 * start together wait for each other.
 */
export const migrate = Effect.fn("Migration.migrate")(function* (migrations: ReadonlyArray<Migration>) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`SELECT pg_advisory_xact_lock(${migrationLock}::int4, 1)`
      yield* sql`CREATE TABLE IF NOT EXISTS schema_version (
        component text NOT NULL, version int NOT NULL, name text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (component, version))`
      const rows = yield* sql<{ component: string; version: number }>`
        SELECT component, max(version) AS version FROM schema_version GROUP BY component`
      const found = new Map(rows.map((row) => [row.component, Number(row.version)]))
      const known = new Map<string, number>()
      for (const step of migrations) known.set(step.component, Math.max(known.get(step.component) ?? 0, step.version))
      for (const [component, version] of found) {
        const top = known.get(component)
        if (top !== undefined && version > top)
          return yield* new DatabaseNewer({ component, found: version, known: top })
      }
      const missing = migrations.filter((step) => step.version > (found.get(step.component) ?? 0))
      for (const step of missing) {
        for (const statement of step.statements) yield* sql.unsafe(statement)
        yield* sql`INSERT INTO schema_version (component, version, name) VALUES (${step.component}, ${step.version}, ${step.name})`
      }
      return missing.length
    })
  ) as Effect.Effect<number, DatabaseNewer | SqlError.SqlError>
})
