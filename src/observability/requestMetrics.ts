/** Requests to the API by method and status, and how long they took. */
import { Clock, type Context, Effect, Metric } from "effect"

const requests = Metric.counter("http_requests_total", {
  description: "Requests answered by the API",
  incremental: true
})
const duration = Metric.histogram("http_request_duration_seconds", {
  description: "Time from a request's head to its answer",
  boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
})

/** One value per key, made once: naming a series costs more than counting in it. */
const memoized = <A>(make: (key: string) => A) => {
  const made = new Map<string, A>()
  return (key: string): A => {
    const known = made.get(key)
    if (known !== undefined) return known
    const value = make(key)
    made.set(key, value)
    return value
  }
}

const durationOf = memoized((method) => Metric.withAttributes(duration, { method }))
const countersOf = memoized((method) => memoized((status) => Metric.withAttributes(requests, { method, status })))

/** Counts a request once it is answered; `method` is one that HTTP knows. */
export const countRequest =
  (method: string) =>
  <A extends { readonly status: number }, E, R>(answer: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Clock.clockWith((clock) => {
      const started = clock.currentTimeMillisUnsafe()
      return Effect.tap(answer, ({ status }) =>
        Effect.contextWith((context: Context.Context<never>) => {
          countersOf(method)(String(status)).updateUnsafe(1, context)
          durationOf(method).updateUnsafe((clock.currentTimeMillisUnsafe() - started) / 1000, context)
          return Effect.void
        })
      )
    })
