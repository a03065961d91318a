/**
 * Time as the database has it. What waits until a moment is written down by one
 * process and waited for by another: one whose own clock is set must not fail
 * what runs as late, nor let anything wait until tomorrow. Between two looks at
 * the database time goes on by the monotonic clock, which nobody sets.
 */
import { Clock, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"

/** How often it is looked whether the database's clock was set, or the machine slept. */
const lookEvery = "10 seconds"

/** What two clocks may differ by without being put right, ms: time should not go back for the sake of a little. */
const toleranceMs = 100

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const own = yield* Clock.Clock
  /** The database's time less the monotonic one, ms, and how far it may be off by the way of the question. */
  const look = Effect.gen(function* () {
    const asked = performance.now()
    const [row] = yield* sql<{ now: number }>`SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now`
    const answered = performance.now()
    return { ahead: row!.now - (asked + answered) / 2, offBy: (answered - asked) / 2 }
  })
  let { ahead } = yield* look
  const putRight = Effect.gen(function* () {
    const seen = yield* look
    const difference = seen.ahead - ahead
    if (Math.abs(difference) < toleranceMs + seen.offBy) return
    ahead = seen.ahead
    yield* Effect.logWarning(`the database's clock went ${Math.round(difference)} ms from what it was taken for`)
  })
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.andThen(
        Effect.sleep(lookEvery),
        Effect.catch(putRight, (error) => Effect.logDebug("the database's clock could not be read", error.message))
      )
    )
  )
  const millis = (): number => Math.floor(ahead + performance.now())
  const nanos = (): bigint => BigInt(millis()) * 1_000_000n
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: () => own.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: own.monotonicTimeNanos,
    sleep: (duration) => own.sleep(duration)
  } satisfies Clock.Clock
})

/** The clock of everything that is provided with it. */
export const layer = Layer.effect(Clock.Clock, make)
