/**
 * Proof that this process lives. It holds an advisory lock on a connection of
 * its own: the server frees it the moment the process dies, so others see the
 * death at their next look instead of after a time-out.
 *
 * States: `opening` → (lock taken) → `live(id)` → (connection gone) → `opening`
 * with a new id. An id is never used twice, so what an old session held can
 * not be mistaken for the new one's.
 */
import { PgClient, PgConnection } from "@effect/sql-pg"
import type { Scope } from "effect"
import { Effect, Random, Schedule } from "effect"
import type { SqlError } from "effect/sql"

/** First half of the advisory lock's key; the second is the session's id. "post" as four bytes. */
export const sessionLockClass = 0x706f7374

export interface Session {
  readonly id: number
  readonly connection: PgConnection.PgConnection
}

/** Opens a session; it ends with the scope, or earlier with its connection. */
const open = Effect.gen(function* () {
  const pg = yield* PgClient.PgClient
  const connection = yield* PgConnection.make({
    ...pg.config,
    multiplex: false,
    applicationName: "postroom session"
  })
  const id = yield* Random.nextIntBetween(1, 0x7fffffff)
  yield* connection.query("SELECT pg_advisory_lock($1::int4, $2::int4)", [sessionLockClass, id])
  return { id, connection } satisfies Session
})

/**
 * Keeps a session open for ever: runs `live(session)` until it fails (which
 * means that the connection is gone), then `lost`, then opens the next one.
 */
export const keepSession = <R>(
  live: (session: Session) => Effect.Effect<never, SqlError.SqlError, R>,
  lost: Effect.Effect<void, never, R>
): Effect.Effect<never, never, R | PgClient.PgClient> =>
  Effect.scoped(
    Effect.flatMap(open, (session) => Effect.onExit(live(session), () => lost)) as Effect.Effect<
      never,
      SqlError.SqlError,
      R | PgClient.PgClient | Scope.Scope
    >
  ).pipe(
    Effect.tapError((error) =>
      Effect.logWarning("the session with the database ended, opening another", error.message)
    ),
    Effect.retry(Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("1 second")]))
  ) as Effect.Effect<never, never, R | PgClient.PgClient>
