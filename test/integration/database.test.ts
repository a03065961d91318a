/** The client of the database as Postroom sets it up. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Latch, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { layer } from "../../src/database/Database.ts"
import * as DatabaseClock from "../../src/database/DatabaseClock.ts"
import { clockAhead } from "../support/clockAhead.ts"
import { freshDatabase } from "../support/postgres.ts"

describe("the client of the database", () => {
  it.live("keeps nothing of a statement: what is kept by statement makes every parameter old", () =>
    Effect.gen(function* () {
      const { url } = yield* freshDatabase
      const context = yield* Layer.build(layer({ url, dataDir: "", migrations: [] }))
      const sql = Context.get(context, SqlClient.SqlClient)
      const statement = sql.unsafe<{ n: number }>("SELECT $1::int4 AS n", [7])
      assert.deepStrictEqual(yield* statement, [{ n: 7 }])
      assert.deepStrictEqual(statement.compile(), statement.compile())
      assert.notStrictEqual(statement.compile(), statement.compile())
    })
  )

  it.live("goes by an index although the table was empty when the statement was planned", () =>
    Effect.gen(function* () {
      const { url } = yield* freshDatabase
      const sql = Context.get(yield* Layer.build(layer({ url, dataDir: "", migrations: [] })), SqlClient.SqlClient)
      yield* sql`CREATE TABLE filling (id int PRIMARY KEY, name text)`
      yield* sql`VACUUM ANALYZE filling`
      // What is kept for the next time is the plan for any values, which is the one that is shown here.
      yield* sql`SET plan_cache_mode = force_generic_plan`
      const plan = yield* sql.unsafe<Record<string, string>>(
        "EXPLAIN (COSTS off) SELECT name FROM filling WHERE id = ANY ($1::int4[])",
        ["{1,2,3}"]
      )
      const lines = plan.map((row) => Object.values(row)[0]!)
      assert.match(lines.join("\n"), /Index Scan/)
      assert.notMatch(lines.join("\n"), /Seq Scan/)
    })
  )

  it.live("tells the time of the database to a process whose own clock is set to another day", () =>
    Effect.gen(function* () {
      const { url } = yield* freshDatabase
      const set = yield* clockAhead(() => 24 * 3_600_000)
      const database = layer({ url, dataDir: "", migrations: [] })
      const context = yield* Effect.provideService(
        Layer.build(DatabaseClock.layer.pipe(Layer.provideMerge(database))),
        Clock.Clock,
        set
      )
      const sql = Context.get(context, SqlClient.SqlClient)
      const now = Effect.map(sql<{ now: Date }>`SELECT clock_timestamp() AS now`, ([row]) => row!.now.getTime())
      const [before, told, after] = yield* Effect.provide(Effect.all([now, Clock.currentTimeMillis, now]), context)
      assert.isAtLeast(told, before - 100)
      assert.isAtMost(told, after + 100)
    })
  )

  it.live("frees what a process had locked that fell silent in the middle of a transaction", () =>
    Effect.gen(function* () {
      const { url } = yield* freshDatabase
      const database = layer({ url, dataDir: "", migrations: [] })
      const frozen = Context.get(yield* Layer.build(database), SqlClient.SqlClient)
      const other = Context.get(yield* Layer.build(Layer.fresh(database)), SqlClient.SqlClient)
      yield* other`CREATE TABLE lockable (id int)`
      yield* other`INSERT INTO lockable VALUES (1)`
      const locked = yield* Latch.make()
      yield* Effect.forkScoped(
        frozen.withTransaction(
          frozen`SELECT id FROM lockable FOR UPDATE`.pipe(Effect.andThen(locked.open), Effect.andThen(Effect.never))
        )
      )
      yield* locked.await
      assert.deepStrictEqual(yield* other`UPDATE lockable SET id = 2 RETURNING id`, [{ id: 2 }])
    })
  )
})
