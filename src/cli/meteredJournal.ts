/** A journal whose flushes are counted on their way. */
import { Clock, Effect, Layer } from "effect"
import { Journal } from "../journal/Journal.ts"
import { countFlush, countFlushFailure } from "../observability/flushMetrics.ts"

/** The journal of the surroundings, with metrics of what is written through it. */
export const layerMetered = Layer.effect(
  Journal,
  Effect.gen(function* () {
    const journal = yield* Journal
    const clock = yield* Clock.Clock
    return Journal.of({
      ...journal,
      commit: (batch, alongside) =>
        Effect.suspend(() => {
          const started = clock.currentTimeMillisUnsafe()
          return journal.commit(batch, alongside).pipe(
            Effect.tap((stale) =>
              stale.length > 0 ? Effect.void : countFlush(batch, clock.currentTimeMillisUnsafe() - started)
            ),
            Effect.tapError(() => countFlushFailure)
          )
        })
    })
  })
)
