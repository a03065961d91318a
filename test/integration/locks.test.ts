/** Locks by name between processes, each of which is a connection pool of its own here. */
import { assert, describe, it } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import * as Locks from "../../src/database/Locks.ts"
import { freshDatabase } from "../support/postgres.ts"

/** A process with locks on the database, which ends with its scope. */
const member = (url: Effect.Success<typeof freshDatabase>["url"]) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
    const context = yield* Layer.buildWithScope(
      Locks.layer.pipe(Layer.provideMerge(PgClient.layer({ url, maxConnections: 1 }))),
      scope
    )
    const tryTake = Context.get(context, Locks.Locks).tryTake
    return { tryTake, sql: Context.get(context, PgClient.PgClient), end: Scope.close(scope, Exit.void) }
  })

describe("a lock", () => {
  it.live("is had by one at a time, in this process and in others, and is free when its scope closes", () =>
    Effect.gen(function* () {
      const { url } = yield* freshDatabase
      const one = yield* member(url)
      const other = yield* member(url)
      yield* Effect.scoped(
        Effect.gen(function* () {
          assert.isTrue(yield* one.tryTake("a"))
          assert.isFalse(yield* one.tryTake("a"))
          assert.isFalse(yield* other.tryTake("a"))
          assert.isTrue(yield* other.tryTake("b"), "another name is another lock")
        })
      )
      assert.isTrue(yield* Effect.scoped(other.tryTake("a")))
      assert.isTrue(yield* Effect.scoped(one.tryTake("a")))
    }).pipe(Effect.scoped)
  )

  it.live("is free when the process that has it ends", () =>
    Effect.gen(function* () {
      const { url } = yield* freshDatabase
      const one = yield* member(url)
      const other = yield* member(url)
      assert.isTrue(yield* one.tryTake("a"))
      yield* one.end
      assert.isTrue(yield* other.tryTake("a"))
    }).pipe(Effect.scoped)
  )

  it.live("can be taken again after the connection that held it was cut, here and elsewhere", () =>
    Effect.gen(function* () {
      const { url } = yield* freshDatabase
      const one = yield* member(url)
      const other = yield* member(url)
      yield* Effect.scoped(
        Effect.gen(function* () {
          assert.isTrue(yield* one.tryTake("a"))
          yield* other.sql`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE application_name = 'postroom locks' AND datname = current_database()`
          assert.isTrue(yield* other.tryTake("a"))
          yield* Effect.exit(one.tryTake("b"))
          assert.isTrue(yield* one.tryTake("c"), "with another connection")
        })
      )
      assert.isTrue(yield* Effect.scoped(one.tryTake("a")))
    }).pipe(Effect.scoped)
  )
})
