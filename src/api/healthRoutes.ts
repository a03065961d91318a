/** Is the process there, can it work, and what does it count. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { PrometheusMetrics } from "effect/observability"
import { SqlClient } from "effect/sql"
import { readQueues } from "../journal/sql/History.ts"
import { measureProcess } from "../observability/processMetrics.ts"
import { measureQueues } from "../observability/queueMetrics.ts"
import { Api, WorkerApi } from "./Contract.ts"
import { guarded } from "./guarded.ts"

export const healthRoutes = HttpApiBuilder.group(Api, "health", (handlers) =>
  handlers
    .handle("live", () => Effect.succeed({ status: "ok" as const }))
    .handle("ready", () =>
      guarded(
        Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          yield* sql`SELECT 1`
          return { status: "ok" as const }
        })
      )
    )
)

const figures = Effect.andThen(measureProcess, PrometheusMetrics.format({ prefix: "postroom" }))

export const metricsRoutes = HttpApiBuilder.group(Api, "metrics", (handlers) =>
  handlers.handle("text", () =>
    // A journal that does not answer must not hide the other figures.
    Effect.andThen(Effect.ignore(Effect.flatMap(readQueues, measureQueues)), figures)
  )
)

/** Without the queues: they are the installation's, and would be counted once per process. */
export const processMetricsRoutes = HttpApiBuilder.group(WorkerApi, "metrics", (handlers) =>
  handlers.handle("text", () => figures)
)
