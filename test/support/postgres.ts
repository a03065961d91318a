/**
 * A fresh, empty database for a test, on whichever PostgreSQL the run is meant for: `DATABASE_URL` if
 * set, a container of `POSTGRES_IMAGE` if set, else one embedded server that all test files of a run
 * (and runs close to one another) share and that ends by itself two minutes after the last of them.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Redacted, type Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import type { SqlClient } from "effect/sql"
import { randomUUID } from "node:crypto"
import * as os from "node:os"
import * as path from "node:path"
import { startEmbeddedPostgres } from "../../src/database/embedded/EmbeddedPostgres.ts"

/** A database of one test; it is dropped with the scope. */
export interface TestDatabase {
  readonly name: string
  readonly url: Redacted.Redacted
}

const prefix = "postroom_test_"

/** One connection to `url`, closed with the scope. */
export const connect = (url: Redacted.Redacted) =>
  PgClient.make({ url, maxConnections: 1 }).pipe(Effect.provide(Reactivity.layer))

const withDatabase = (url: string, name: string): Redacted.Redacted => {
  const target = new URL(url)
  target.pathname = `/${name}`
  return Redacted.make(target.toString())
}

const container = (image: string): Effect.Effect<string, unknown, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.tryPromise(async () => {
        const { PostgreSqlContainer } = await import("@testcontainers/postgresql")
        return new PostgreSqlContainer(image).start()
      }),
      (started) => Effect.promise(() => started.stop())
    ),
    (started) => started.getConnectionUri()
  )

const embedded: Effect.Effect<string, unknown, Scope.Scope> = Effect.gen(function* () {
  const server = yield* startEmbeddedPostgres({
    dataDir: path.join(os.tmpdir(), `postroom-test-postgres-${process.getuid?.() ?? 0}`),
    // Longer than any test that needs no database: who joins a server that is about to end finds it made anew, and emptied.
    grace: "2 minutes",
    linger: true,
    // What a test writes need not outlive a power failure; the crash tests start servers of their own.
    // Several runs may share it, each with the pools of a dozen processes.
    settings: { fsync: "off", full_page_writes: "off", max_connections: "400" }
  })
  const url = Redacted.value(server.url)
  if (!server.joined) {
    // The first user of a server that was started anew: whatever test databases exist belong to killed runs.
    yield* Effect.scoped(
      Effect.gen(function* () {
        const sql = yield* connect(server.url)
        const left = yield* sql<{
          readonly datname: string
        }>`SELECT datname FROM pg_database WHERE datname LIKE ${`${prefix}%`} AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = pg_database.datname)`
        for (const { datname } of left) yield* Effect.ignore(sql`DROP DATABASE IF EXISTS ${sql(datname)}`)
      })
    )
  }
  return url
})

const serverUrl: Effect.Effect<string, unknown, Scope.Scope> = Effect.suspend(() => {
  const url = process.env["DATABASE_URL"]
  if (url !== undefined && url !== "") return Effect.succeed(url)
  const image = process.env["POSTGRES_IMAGE"]
  return image === undefined || image === "" ? embedded : container(image)
})

/** A fresh database of the run's server, for tests that open their connections themselves. */
export const freshDatabase: Effect.Effect<TestDatabase, never, Scope.Scope> = Effect.gen(function* () {
  const server = yield* serverUrl
  const name = `${prefix}${randomUUID().replaceAll("-", "")}`
  // A connection each: one that rested for a minute is closed, and a scope that is closing opens no other.
  const admin = connect(Redacted.make(server))
  yield* Effect.acquireRelease(Effect.scoped(Effect.flatMap(admin, (sql) => sql`CREATE DATABASE ${sql(name)}`)), () =>
    Effect.ignore(Effect.scoped(Effect.flatMap(admin, (sql) => sql`DROP DATABASE IF EXISTS ${sql(name)} WITH (FORCE)`)))
  )
  return { name, url: withDatabase(server, name) }
}).pipe(Effect.orDie)

/** `SqlClient` and `PgClient` on a fresh database: `layer(testDatabase, { excludeTestServices: true })(…)`. */
export const testDatabase: Layer.Layer<PgClient.PgClient | SqlClient.SqlClient> = Layer.unwrap(
  Effect.map(freshDatabase, ({ url }) => Layer.orDie(PgClient.layer({ url })))
)
