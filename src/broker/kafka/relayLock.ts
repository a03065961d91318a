/**
 * The advisory lock that makes one process of all the relay. It is asked for
 * again and again instead of being waited for: a server does not notice that
 * who waits for a lock is gone, so every killed process would leave a
 * connection behind until there are no more. Whoever holds it speaks now and
 * then; where that ends, as with a process that is frozen or a machine that is
 * gone, those who ask end its connection, and the lock is free.
 */
import type { PgConnection } from "@effect/sql-pg"
import { Duration, Effect } from "effect"
import type { SqlError } from "effect/sql"
import { isHeldLock } from "../rows/heldLock.ts"

/** "rely" as four bytes, and the only one of its kind. */
const lock: ReadonlyArray<number> = [0x72656c79, 1]

/** From one question for the lock to the next, ms: so long nothing is passed on where a relay ends. */
const askMs = 500

const take = "SELECT pg_try_advisory_lock($1::int4, $2::int4)"

/** Ends the connection of a holder that has not said anything for $3 seconds. */
const endSilent = `
  SELECT pg_terminate_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE ${isHeldLock("$1::int4")} AND l.objid = $2::int4
    AND a.state_change < now() - make_interval(secs => $3)`

/** Returns when `connection` holds the lock. */
export const takeRelayLock = (
  connection: PgConnection.PgConnection,
  silentMs: number
): Effect.Effect<void, SqlError.SqlError> =>
  Effect.gen(function* () {
    while (true) {
      const [row] = yield* connection.queryValues(take, lock)
      if (row?.[0] === true) return
      yield* connection.query(endSilent, [...lock, silentMs / 1_000])
      yield* Effect.sleep(Duration.millis(askMs))
    }
  })

/** Keeps the lock's holder heard of; fails where its connection, and with it the lock, is gone. */
export const keepRelayLock = (
  connection: PgConnection.PgConnection,
  silentMs: number
): Effect.Effect<never, SqlError.SqlError> =>
  Effect.forever(Effect.andThen(connection.query("SELECT 1"), Effect.sleep(Duration.millis(silentMs / 5))))
