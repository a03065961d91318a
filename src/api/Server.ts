/**
 * The API as a layer: contract, routes, checks, limits. It listens on loopback
 * unless told otherwise, and every route but health asks for a token. A process
 * without the API may serve health and its own metrics in the same way.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { ByteSize, Effect, Layer, Redacted } from "effect"
import { HttpIncomingMessage, HttpRouter, HttpServerResponse } from "effect/http"
import { HttpApiBuilder, HttpApiMiddleware } from "effect/http-api"
import { createServer } from "node:http"
import { layerAnswers, wholeWayOnly } from "./answers.ts"
import { boundBodies, longestRequest } from "./bodyTime.ts"
import { Api, WorkerApi } from "./Contract.ts"
import { queueRoutes, userRoutes } from "./controlRoutes.ts"
import { eventRoutes } from "./eventRoutes.ts"
import { EventTypes } from "./EventTypes.ts"
import { fieldIssues } from "./fieldIssues.ts"
import { guarded } from "./guarded.ts"
import { healthRoutes, metricsRoutes, processMetricsRoutes } from "./healthRoutes.ts"
import { exportRoutes } from "./items/exportRoutes.ts"
import { fileRoutes } from "./items/fileRoutes.ts"
import { itemRoutes } from "./items/itemRoutes.ts"
import { Authorization, RequestCheck } from "./Middleware.ts"
import { openApiOf } from "./openApi.ts"
import { BadRequest, Unauthorized, Unexpected } from "./Problems.ts"
import { makeShortWay } from "./shortWay.ts"
import { taskRoutes } from "./taskRoutes.ts"
import { Tokens } from "./Tokens.ts"
import { answerUnreadable } from "./unreadable.ts"
import { layerYoungRequests } from "./youngRequests.ts"

/** Largest body of a request. */
const bodyLimit = ByteSize.kibibytes(256)

/** Longest segment of a path: a user's or an event's id, percent-encoded. */
const longestSegment = 4_096

const placeOf: Readonly<Record<string, ReadonlyArray<string>>> = {
  Params: ["path"],
  Query: ["query"],
  Headers: ["header"]
}

const requestCheck = HttpApiMiddleware.layerSchemaErrorTransform(RequestCheck, ({ kind, cause }) =>
  kind === "Body" || kind === "ResponseHeaders"
    ? Effect.andThen(
        Effect.logError("an answer does not fit its contract", cause.message),
        Effect.fail(Unexpected.of())
      )
    : Effect.fail(BadRequest.of("the request does not fit", fieldIssues(cause, placeOf[kind] ?? [])))
)

const authorization = Layer.effect(
  Authorization,
  Effect.map(Tokens, (tokens) =>
    Authorization.of({
      bearer: (httpEffect, { credential }) =>
        guarded(tokens.isValid(Redacted.value(credential))).pipe(
          Effect.flatMap((isValid) => (isValid ? Effect.void : Effect.fail(Unauthorized.of()))),
          Effect.andThen(httpEffect)
        )
    })
  )
)

/** The same for as long as the process runs, so it is made once, and only where it is asked for. */
const description = HttpRouter.use((router) =>
  Effect.gen(function* () {
    const types = yield* EventTypes
    const answer = yield* Effect.cached(Effect.sync(() => HttpServerResponse.jsonUnsafe(openApiOf(types))))
    yield* router.add("GET", "/openapi.json", answer)
  })
)

const checks = Layer.merge(requestCheck, authorization)

const bodyBytes = ByteSize.toNumberUnsafe(bodyLimit)

const routes = Layer.merge(HttpApiBuilder.layer(Api), description).pipe(
  Layer.provide([
    eventRoutes,
    taskRoutes,
    queueRoutes,
    userRoutes,
    itemRoutes,
    fileRoutes,
    exportRoutes,
    healthRoutes,
    metricsRoutes
  ]),
  Layer.provide(checks),
  Layer.merge(layerAnswers(Api, bodyBytes, makeShortWay))
)

const workerRoutes = HttpApiBuilder.layer(WorkerApi).pipe(
  Layer.provide([healthRoutes, processMetricsRoutes]),
  Layer.provide(checks),
  Layer.merge(layerAnswers(WorkerApi, bodyBytes, wholeWayOnly))
)

/** How requests are read. A missing Host is told by `answers.ts`, not by Node with an empty body. */
const reading = { requestTimeout: longestRequest, headersTimeout: 10_000, requireHostHeader: false }

const bodyTimes = { wholeMs: 30_000, silenceMs: 60_000 }

const serve = <E, R>(served: Layer.Layer<never, E, R>, host: string, port: number) =>
  HttpRouter.serve(served, {
    disableLogger: true,
    disableListenLog: true,
    routerConfig: { maxParamLength: longestSegment }
  }).pipe(
    Layer.provide(Layer.succeed(HttpIncomingMessage.MaxBodySize, bodyLimit)),
    Layer.provideMerge(
      NodeHttpServer.layer(() => boundBodies(answerUnreadable(createServer(reading)), bodyTimes), {
        host,
        port,
        gracefulShutdownTimeout: "2 seconds"
      })
    )
  )

/** The API at `host` and `port`; 0 takes any port. */
export const layer = (host: string, port: number) => serve(routes, host, port).pipe(Layer.provide(layerYoungRequests))

/** Health and metrics of a process without the API. */
export const layerWorker = (host: string, port: number) => serve(workerRoutes, host, port)
