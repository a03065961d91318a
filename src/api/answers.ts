/**
 * What holds for every answer: an error is a problem, whoever made it; a wrong
 * method is told the right ones; nothing is cached or sniffed. Without this,
 * routing and body reading would answer with empty bodies.
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Cause, Effect, Exit } from "effect"
import { HttpRouter, HttpServerError, HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import { HttpApi } from "effect/http-api"
import type { HttpApiGroup } from "effect/http-api"
import { countRequest } from "../observability/requestMetrics.ts"
import {
  BadRequest,
  BodyTooLarge,
  MethodNotAllowed,
  NotFound,
  problemType,
  responseOf,
  Unavailable,
  Unexpected,
  UnsupportedMediaType
} from "./Problems.ts"
import type { makeShortWay } from "./shortWay.ts"

interface KnownPath {
  readonly pattern: RegExp
  readonly methods: ReadonlyArray<string>
}

const patternOf = (path: string): RegExp =>
  new RegExp(
    `^${path
      .split("/")
      .map((part) => (part.startsWith(":") ? "[^/]+" : part.replaceAll(".", "\\.")))
      .join("/")}/?$`
  )

const knownPaths = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>
): ReadonlyArray<KnownPath> => {
  const methods = new Map<string, Set<string>>([["/openapi.json", new Set(["GET", "HEAD"])]])
  HttpApi.reflect(api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint }) => {
      const known = methods.get(endpoint.path) ?? new Set<string>()
      methods.set(endpoint.path, known.add(endpoint.method))
      if (endpoint.method === "GET") known.add("HEAD")
    }
  })
  // Where a path fits two of them, it is the one with fewer parameters.
  const parameters = (path: string) => path.split("/:").length
  return [...methods]
    .sort(([a], [b]) => parameters(a) - parameters(b))
    .map(([path, set]) => ({ pattern: patternOf(path), methods: [...set] }))
}

const isProblem = (response: HttpServerResponse.HttpServerResponse): boolean =>
  response.headers["content-type"]?.startsWith(problemType) === true

/** What an answer says of caching where it says nothing itself: files do. */
const unkept = "no-store"

const retryAfterSeconds = "1"

/** RFC 9112, 3.2: a request of HTTP/1.1 without a Host is to be refused. */
const lacksHost = (request: HttpServerRequest.HttpServerRequest): boolean =>
  request.headers["host"] === undefined && NodeHttpServerRequest.toIncomingMessage(request).httpVersion === "1.1"

/** The way of every request that has no shorter one: the router's. */
export const wholeWayOnly = Effect.succeed(
  <A>(_request: HttpServerRequest.HttpServerRequest, wholeWay: A): A => wholeWay
)

/** Layer that makes every answer of the router of `api` follow these rules; `bodyLimit` in bytes. */
export const layerAnswers = <Id extends string, Groups extends HttpApiGroup.Constraint, E, R>(
  api: HttpApi.HttpApi<Id, Groups>,
  bodyLimit: number,
  way: Effect.Effect<Effect.Success<typeof makeShortWay>, E, R>
) => {
  const paths = knownPaths(api)

  const unknownRoute = (request: HttpServerRequest.HttpServerRequest) => {
    const path = request.url.split("?", 1)[0]!
    const known = paths.find(({ pattern }) => pattern.test(path))
    if (known === undefined)
      return responseOf(NotFound.of(`there is nothing at ${path.slice(0, 200)}: see /openapi.json`))
    // The path is known and the method too: then what is in it cannot be decoded.
    if (known.methods.includes(request.method))
      return responseOf(BadRequest.of("the path cannot be read: encode it as UTF-8 by %"))
    return HttpServerResponse.setHeader(
      responseOf(MethodNotAllowed.of(request.method, known.methods)),
      "allow",
      known.methods.join(", ")
    )
  }

  const asProblem = (response: HttpServerResponse.HttpServerResponse) => {
    switch (response.status) {
      case 404:
        return responseOf(NotFound.of("there is nothing here"))
      case 413:
        return responseOf(BodyTooLarge.of(bodyLimit))
      case 415:
        return responseOf(UnsupportedMediaType.of())
      case 503:
        return responseOf(Unavailable.of("try again"))
      default:
        return response.status < 500
          ? responseOf(BadRequest.of("the request cannot be read"))
          : responseOf(Unexpected.of())
    }
  }

  const finish = (response: HttpServerResponse.HttpServerResponse) => {
    const said = response.status < 400 || isProblem(response) ? response : asProblem(response)
    const { "cache-control": caching = unkept } = said.headers
    const kept = HttpServerResponse.setHeaders(said, { "cache-control": caching, "x-content-type-options": "nosniff" })
    if (said.status === 401) return HttpServerResponse.setHeader(kept, "www-authenticate", 'Bearer realm="postroom"')
    // What is left of the body is not read: the connection cannot be used again.
    if (said.status === 413 || said.status === 507) return HttpServerResponse.setHeader(kept, "connection", "close")
    if (said.status === 503) return HttpServerResponse.setHeader(kept, "retry-after", retryAfterSeconds)
    return kept
  }

  const respond = (cause: Cause.Cause<unknown>, request: HttpServerRequest.HttpServerRequest) =>
    Effect.gen(function* () {
      const error = Cause.squash(cause)
      if (error instanceof HttpServerError.HttpServerError && error.reason._tag === "RouteNotFound") {
        return unknownRoute(request)
      }
      if (HttpServerRespondable.isRespondable(error)) {
        const response = yield* Effect.exit(HttpServerRespondable.toResponse(error))
        if (Exit.isSuccess(response)) return response.value
      }
      yield* Effect.logError("a request met a defect", cause)
      return responseOf(Unexpected.of())
    })

  return HttpRouter.middleware(
    Effect.map(
      way,
      (shortWay) => (wholeWay) =>
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
          (lacksHost(request)
            ? Effect.succeed(responseOf(BadRequest.of("a Host header is needed")))
            : shortWay(request, wholeWay)
          ).pipe(
            Effect.catchCause((cause) =>
              // A client that went away gets no answer, and is no defect.
              Cause.hasInterruptsOnly(cause) ? Effect.failCause(cause) : respond(cause as Cause.Cause<unknown>, request)
            ),
            Effect.map(finish),
            countRequest(request.method)
          )
        )
    ),
    { global: true }
  )
}
