import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { connect, freshDatabase, testDatabase } from "../support/postgres.ts"

layer(testDatabase, { excludeTestServices: true })("a database for a test", (it) => {
  it.effect("is fresh and takes tables of its own", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const before = yield* sql`SELECT 1 FROM pg_tables WHERE schemaname = 'public'`
      assert.strictEqual(before.length, 0)
      yield* sql`CREATE TABLE t (n int)`
      const other = yield* freshDatabase
      const beside = yield* connect(other.url)
      assert.strictEqual((yield* beside`SELECT 1 FROM pg_tables WHERE schemaname = 'public'`).length, 0)
    })
  )
})
