/** What `start` serves: the API, or health and metrics where it runs without it; and the refusal to open either to others without a token. */
import { Data, Effect, Layer } from "effect"
import type { Context } from "effect"
import { HttpServer } from "effect/http"
import type { HttpServerError } from "effect/http"
import { eventTypesOf, EventTypes } from "../api/EventTypes.ts"
import * as Server from "../api/Server.ts"
import * as Tokens from "../api/Tokens.ts"
import type { Settings } from "../config/settings.ts"
import type { Actor } from "../runtime/Actor.ts"

/** The API cannot be opened where it was asked for. */
export class ApiRefused extends Data.TaggedError("ApiRefused")<{ readonly detail: string }> {
  override get message() {
    return this.detail
  }
}

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d+){3}|\[?::1\]?)$/i.test(host)

/** Where to listen, and the setting that says so. */
interface Place {
  readonly host: string
  readonly port: number
  readonly key: "HTTP_PORT" | "METRICS_PORT"
}

/** Why the socket could not be opened, and what to do. */
const explain = ({ host, port, key }: Place, cause: unknown): string => {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  const otherwise = key === "HTTP_PORT" ? "run without the API (--roles)" : "leave it unset"
  switch (code) {
    case "EADDRINUSE":
      return `port ${port} of ${host} is taken: set ${key} to another, or 0 for any, or ${otherwise}`
    case "EACCES":
      return `port ${port} may not be opened by this user: set ${key} above 1023`
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `HTTP_HOST=${host} is no address of this machine: use 127.0.0.1, or 0.0.0.0 for all of them`
    default:
      return `nothing can listen at ${host}:${port}: ${code ?? String(cause)}`
  }
}

/** Without a token in the database nobody but this machine is let in: every answer but health asks for one. */
const refuseStrangers = (tokens: Context.Context<Tokens.Tokens>, host: string) =>
  Effect.gen(function* () {
    if (
      isLoopback(host) ||
      (yield* Effect.provide(
        Tokens.Tokens.use((service) => service.some),
        tokens
      ))
    )
      return
    return yield* new ApiRefused({
      detail: `HTTP_HOST=${host} opens the API to others, and there is no token yet: make one with "postroom token", then start again`
    })
  })

/** Listens there until the scope closes; answers the address. */
const listen = <R>(place: Place, server: Layer.Layer<HttpServer.HttpServer, HttpServerError.ServeError, R>) =>
  Effect.flatMap(Layer.build(server), (context) =>
    Effect.provide(
      HttpServer.addressFormattedWith((url) => Effect.succeed(url)),
      context
    )
  ).pipe(Effect.catchTag("ServeError", ({ cause }) => new ApiRefused({ detail: explain(place, cause) })))

/** Serves the API until the scope closes; answers what to tell whoever started it. */
export const serveApi = (settings: Pick<Settings, "httpHost" | "httpPort">, actors: ReadonlyArray<Actor<any>>) =>
  Effect.gen(function* () {
    const place: Place = { host: settings.httpHost, port: settings.httpPort, key: "HTTP_PORT" }
    const tokens = yield* Layer.build(Tokens.layer)
    yield* refuseStrangers(tokens, place.host)
    const address = yield* listen(
      place,
      Server.layer(place.host, place.port).pipe(
        Layer.provide(Layer.succeed(EventTypes, eventTypesOf(actors))),
        Layer.provide(Layer.succeedContext(tokens))
      )
    )
    // Only now: the token of a start that was refused would never have been shown.
    const first = yield* Effect.provide(
      Tokens.Tokens.use((service) => service.first),
      tokens
    )
    return [
      `API at ${address}/api/v1, described at ${address}/openapi.json`,
      ...(first === null ? [] : [`Your token, shown this once: ${first}`])
    ]
  })

/** Serves health and metrics of a process without the API, where a port is set; answers what to tell. */
export const serveHealth = (settings: Pick<Settings, "httpHost" | "metricsPort">) =>
  Effect.gen(function* () {
    if (settings.metricsPort === null) return []
    const place: Place = { host: settings.httpHost, port: settings.metricsPort, key: "METRICS_PORT" }
    const tokens = yield* Layer.build(Tokens.layer)
    yield* refuseStrangers(tokens, place.host)
    const address = yield* listen(
      place,
      Server.layerWorker(place.host, place.port).pipe(Layer.provide(Layer.succeedContext(tokens)))
    )
    return [`Health and metrics at ${address}/api/v1`]
  })
