/** Requests to the API by method and status, and how long they took. */
import { Clock, Effect, Metric } from "effect"

const requests = Metric.counter("http_requests_total", {
  description: "Requests answered by the API",
  incremental: true
})
const duration = Metric.histogram("http_request_duration_seconds", {
  description: "Time from a request's head to its answer",
  boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
})

/** Counts a request once it is answered. */
export const countRequest =
  (method: string) =>
  <A extends { readonly status: number }, E, R>(answer: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.gen(function* () {
      const started = yield* Clock.currentTimeMillis
      const response = yield* answer
      const seconds = ((yield* Clock.currentTimeMillis) - started) / 1000
      yield* Metric.update(Metric.withAttributes(requests, { method, status: String(response.status) }), 1)
      yield* Metric.update(Metric.withAttributes(duration, { method }), seconds)
      return response
    })
