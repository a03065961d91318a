/** Asks until there is an answer: a journal or broker that is down comes back, and there is nothing else to wait for. */
import { Duration, Effect } from "effect"

const firstWaitMs = 50
const longestWaitMs = 1_000

/** Repeats `ask` until it succeeds, ever more slowly. What is answered at once costs nothing more than the asking. */
export const untilItAnswers = <A, E, R>(ask: Effect.Effect<A, E, R>): Effect.Effect<A, never, R> => {
  const again = (waitMs: number): Effect.Effect<A, never, R> =>
    Effect.catch(ask, () =>
      Effect.andThen(Effect.sleep(Duration.millis(waitMs)), again(Math.min(waitMs * 2, longestWaitMs)))
    )
  return again(firstWaitMs)
}
