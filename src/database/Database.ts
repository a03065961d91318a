/**
 * The one PostgreSQL of an installation: the embedded one, or the one that
 * `DATABASE_URL` names. Either way its migrations have run before anybody
 * gets to use it.
 */
import { PgClient } from "@effect/sql-pg"
import type { Redacted } from "effect"
import { Data, Effect, Layer } from "effect"
import type { SqlClient } from "effect/sql"
import { startEmbeddedPostgres } from "./embedded/EmbeddedPostgres.ts"
import { forgetStatements } from "./forgetStatements.ts"
import { migrate } from "./Migration.ts"
import type { Migration } from "./Migration.ts"

export interface DatabaseOptions {
  /** Null: the embedded server in `dataDir`. */
  readonly url: Redacted.Redacted | null
  readonly dataDir: string
  readonly migrations: ReadonlyArray<Migration>
  readonly connections?: number
}

/** The server is too old for what Postroom asks of it. */
export class DatabaseTooOld extends Data.TaggedError("DatabaseTooOld")<{ readonly version: string }> {
  override get message() {
    return `PostgreSQL ${this.version} is too old: 15 or newer is needed. Name another in DATABASE_URL, or unset it to use the embedded one.`
  }
}

/** The address is no address, or nobody answers there. */
export class DatabaseUnreachable extends Data.TaggedError("DatabaseUnreachable")<{ readonly detail: string }> {
  override get message() {
    return `the database does not answer: ${this.detail}. Check DATABASE_URL, or unset it to use the embedded one.`
  }
}

/** One answer may hold a page of large records. */
const largestMessage = 256 * 1024 * 1024

/**
 * A process that is frozen, or whose machine is gone, in the middle of a transaction must not keep its locks from all
 * others: the server ends a transaction in which nothing was said for so long. As long as a member may be silent.
 */
const longestSilenceMs = 10_000

/**
 * What every session is told. Statements are planned once per connection, and a queue's table may be empty then: a plan
 * that reads the whole table is the best one for an empty table, is kept, and is a hundred times too slow a minute
 * later, when the table is full. Where there is an index, it is to be used. Compiling statements (`jit`) is decided by
 * the cost of the plan, which this makes meaningless before PostgreSQL 18.
 */
const sessionParameters = {
  idle_in_transaction_session_timeout: String(longestSilenceMs),
  enable_seqscan: "off",
  jit: "off"
}

const checked = (migrations: ReadonlyArray<Migration>) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const [row] = yield* sql<{ number: number; version: string }>`
      SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version`.pipe(
      Effect.mapError((error) => new DatabaseUnreachable({ detail: error.message }))
    )
    if (row!.number < 150_000) return yield* new DatabaseTooOld({ version: row!.version })
    return yield* migrate(migrations)
  })

/** SqlClient and PgClient on a migrated database. */
export const layer = (options: DatabaseOptions) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const url = options.url ?? (yield* startEmbeddedPostgres({ dataDir: options.dataDir })).url
      const client = PgClient.layer({
        url,
        maxConnections: options.connections ?? 12,
        maxMessageSize: largestMessage,
        applicationName: "postroom",
        startupParameters: sessionParameters
      }).pipe(
        Layer.catchCause((cause) =>
          Layer.effectContext<PgClient.PgClient | SqlClient.SqlClient, DatabaseUnreachable, never>(
            Effect.fail(new DatabaseUnreachable({ detail: String(cause) }))
          )
        )
      )
      return Layer.provideMerge(
        Layer.effectDiscard(Effect.andThen(forgetStatements, checked(options.migrations))),
        client
      )
    })
  )
