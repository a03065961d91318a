/** A database client that stops answering in the middle, as one of a process that is killed does. */
import { Deferred, Effect, Fiber } from "effect"
import { SqlClient } from "effect/sql"

/** The client with every statement counted; the one numbered `stopAt` is never sent, and `stopped` told. */
const watched = (sql: SqlClient.SqlClient, stopAt: number, stopped: Deferred.Deferred<void>) => {
  let count = 0
  const client = new Proxy(sql, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name)
      if (name !== "unsafe") return member
      return (...args: Parameters<SqlClient.SqlClient["unsafe"]>) => {
        const statement = target.unsafe(...args)
        // Counted when it is run: one that is built need not be.
        return Effect.suspend(() =>
          ++count === stopAt ? Effect.andThen(Deferred.succeed(stopped, undefined), Effect.never) : statement
        )
      }
    }
  })
  return { client, count: () => count }
}

/** Runs `effect` until its statement number `stopAt` and cuts it off there; answers whether it came that far. */
export const cutOffAt = <A, E, R>(stopAt: number, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const stopped = yield* Deferred.make<void>()
    const { client } = watched(sql, stopAt, stopped)
    const fiber = yield* Effect.forkChild(Effect.provideService(effect, SqlClient.SqlClient, client))
    const wasStopped = yield* Effect.raceFirst(
      Effect.as(Deferred.await(stopped), true),
      Effect.as(Fiber.await(fiber), false)
    )
    yield* Fiber.interrupt(fiber)
    return wasStopped
  })

/** How many statements `effect` runs. */
export const statementsOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { client, count } = watched(sql, Number.POSITIVE_INFINITY, yield* Deferred.make<void>())
    yield* Effect.provideService(effect, SqlClient.SqlClient, client)
    return count()
  })
