/** A machine whose clock is set apart: the wall clock says another time, what is measured goes on as it does. */
import { Clock, Effect } from "effect"

/** The present clock with a wall clock that is `aheadMs()` ahead; how long things take is as before. */
export const clockAhead = (aheadMs: () => number): Effect.Effect<Clock.Clock> =>
  Effect.map(Clock.Clock, (own) => {
    const millis = () => own.currentTimeMillisUnsafe() + aheadMs()
    const nanos = () => own.currentTimeNanosUnsafe() + BigInt(aheadMs()) * 1_000_000n
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: () => own.monotonicTimeNanosUnsafe(),
      monotonicTimeNanos: own.monotonicTimeNanos,
      sleep: (duration) => own.sleep(duration)
    }
  })
