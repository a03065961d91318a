/** The client of the database as Postroom sets it up. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { layer } from "../../src/database/Database.ts"
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
})
