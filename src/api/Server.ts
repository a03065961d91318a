/**
 * The API as a layer: contract, routes, checks, limits. It listens on loopback
 * unless told otherwise, and every route but health asks for a token.
 */
import { NodeHttpServer } from "@effect/platform-node"
import { ByteSize, Effect, Layer, Redacted, SchemaIssue } from "effect"
import { HttpIncomingMessage, HttpRouter } from "effect/http"
import { HttpApiBuilder, HttpApiMiddleware } from "effect/http-api"
import { createServer } from "node:http"
import { Api, Authorization, RequestCheck } from "./Contract.ts"
import { queueRoutes, userRoutes } from "./controlRoutes.ts"
import { eventRoutes } from "./eventRoutes.ts"
import { healthRoutes, metricsRoutes } from "./healthRoutes.ts"
import { BadRequest, Unauthorized } from "./Problems.ts"
import { taskRoutes } from "./taskRoutes.ts"
import { Tokens } from "./Tokens.ts"

/** Largest body of a request. */
const bodyLimit = ByteSize.kibibytes(256)

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const segment = (key: PropertyKey | { readonly key: PropertyKey }): string | number => {
  const name = typeof key === "object" ? key.key : key
  return typeof name === "number" ? name : String(name)
}

const requestCheck = HttpApiMiddleware.layerSchemaErrorTransform(RequestCheck, (error) =>
  Effect.fail(
    BadRequest.of(
      "the request does not fit",
      formatIssues(error.cause.issue).issues.map((issue) => ({
        path: [error.kind.toLowerCase(), ...(issue.path ?? []).map(segment)],
        message: issue.message
      }))
    )
  )
)

const authorization = Layer.effect(
  Authorization,
  Effect.map(Tokens, (tokens) =>
    Authorization.of({
      bearer: (httpEffect, { credential }) =>
        Effect.gen(function* () {
          const isValid = yield* Effect.orDie(tokens.isValid(Redacted.value(credential)))
          return isValid ? yield* httpEffect : yield* Unauthorized.of()
        })
    })
  )
)

const routes = HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(
  Layer.provide([eventRoutes, taskRoutes, queueRoutes, userRoutes, healthRoutes, metricsRoutes]),
  Layer.provide([requestCheck, authorization])
)

/** The server at `host` and `port`; 0 takes any port. */
export const layer = (host: string, port: number) =>
  HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provide(Layer.succeed(HttpIncomingMessage.MaxBodySize, bodyLimit)),
    Layer.provideMerge(NodeHttpServer.layer(() => createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }), { host, port, gracefulShutdownTimeout: "2 seconds" }))
  )
