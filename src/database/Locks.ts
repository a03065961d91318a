/**
 * Locks by name among all processes of an installation, for work that is to be
 * done by one of them at a time. They are advisory locks on a connection of
 * their own: a process that ends gives them back, and one that dies has none
 * once the server has seen that. They save work that would be done twice, and
 * guard nothing: whoever loses the connection goes on without knowing that
 * others may take the lock.
 */
import { PgClient, PgConnection } from "@effect/sql-pg"
import { Context, Effect, Layer, Scope, Semaphore } from "effect"
import type { SqlError } from "effect/sql"
import { hash } from "node:crypto"

export class Locks extends Context.Service<
  Locks,
  {
    /** Takes the lock and has it until the scope closes; false, at once, where somebody has it. */
    readonly tryTake: (name: string) => Effect.Effect<boolean, SqlError.SqlError, Scope.Scope>
  }
>()("postroom/database/Locks") {}

/** First half of the key of every such lock: "lock" as four bytes. */
const lockClass = 0x6c6f636b

/** Two names may have one number: then they wait for each other, which is all that happens. */
const numberOf = (name: string): number => Buffer.from(hash("sha256", name, "hex").slice(0, 8), "hex").readInt32BE()

const make = Effect.gen(function* () {
  const pg = yield* PgClient.PgClient
  const scope = yield* Effect.scope
  const opening = yield* Semaphore.make(1)
  /** A session may take a lock it has again: within this process, it is kept by this set. */
  const held = new Set<number>()
  let open: PgConnection.PgConnection | null = null

  const openOne = PgConnection.make({ ...pg.config, multiplex: false, applicationName: "postroom locks" }).pipe(
    Scope.provide(scope),
    Effect.tap((connection) => {
      open = connection
      // The server lets go of them some time after the connection is closed: who ends does not leave it to that.
      const letGo = connection.queryValues("SELECT pg_advisory_unlock_all()", [])
      return Scope.addFinalizer(scope, Effect.ignore(Effect.timeout(letGo, "1 second")))
    })
  )
  const connection = opening.withPermits(1)(Effect.suspend(() => (open === null ? openOne : Effect.succeed(open))))

  const ask = (statement: "pg_try_advisory_lock" | "pg_advisory_unlock", number: number) =>
    Effect.flatMap(connection, (session) =>
      session.queryValues(`SELECT ${statement}($1::int4, $2::int4)`, [lockClass, number]).pipe(
        Effect.tapError(() =>
          Effect.sync(() => {
            if (open === session) open = null
          })
        )
      )
    ).pipe(Effect.map(([row]) => row?.[0] === true))

  const take = (number: number) =>
    Effect.suspend(() => {
      if (held.has(number)) return Effect.succeed(false)
      held.add(number)
      return Effect.onExit(ask("pg_try_advisory_lock", number), (exit) =>
        Effect.sync(() => {
          if (exit._tag === "Failure" || !exit.value) held.delete(number)
        })
      )
    })

  const giveBack = (number: number) =>
    ask("pg_advisory_unlock", number).pipe(Effect.ignore, Effect.andThen(Effect.sync(() => held.delete(number))))

  return Locks.of({
    tryTake: (name) => {
      const number = numberOf(name)
      return Effect.acquireRelease(take(number), (taken) => (taken ? giveBack(number) : Effect.void))
    }
  })
})

/** Locks on the PostgreSQL of the surrounding PgClient; the connection is opened with the first of them. */
export const layer: Layer.Layer<Locks, never, PgClient.PgClient> = Layer.effect(Locks, make)
