/**
 * Time as the database has it. What waits until a moment is written down by one
 * process and waited for by another: one whose own clock is set must not fail
 * what runs as late, nor let anything wait until tomorrow. Between two looks at
 * the database time goes on by the monotonic clock, which nobody sets.
 */
import { Clock, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { offsetOf, refined } from "./clockOffset.ts"

/** How often it is looked whether the database's clock was set, or the machine slept, ms. */
const lookEveryMs = 10_000

/** Looks at the start, of which the quickest counts: two processes that differ by more would seem to overlap. */
const firstLooks = 5

/** A change by more than this was made by somebody, ms: time goes back for it, and it is told. */
const toleranceMs = 100

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const own = yield* Clock.Clock
  const look = Effect.gen(function* () {
    const asked = performance.now()
    const [row] = yield* sql<{ now: number }>`SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now`
    return offsetOf(asked, performance.now(), row!.now)
  })
  let known = yield* look
  for (let n = 1; n < firstLooks; n++) known = refined(known, yield* look, 0)
  const putRight = Effect.gen(function* () {
    const before = known
    known = refined(known, yield* look, lookEveryMs)
    const difference = known.ahead - before.ahead
    if (Math.abs(difference) > toleranceMs)
      yield* Effect.logWarning(`the database's clock went ${Math.round(difference)} ms from what it was taken for`)
  })
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.andThen(
        Effect.sleep(lookEveryMs),
        Effect.catch(putRight, (error) => Effect.logDebug("the database's clock could not be read", error.message))
      )
    )
  )
  let last = 0
  const millis = (): number => {
    const now = Math.floor(known.ahead + performance.now())
    // What was put right by a little stands still for as long, rather than going back.
    if (now < last && last - now <= toleranceMs) return last
    last = now
    return now
  }
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
