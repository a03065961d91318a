/** The API within `start`: its address, its first token, and the refusal to open it to others without one. */
import { Data, Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
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

/** Why the socket could not be opened, and what to do. */
const explain = ({ httpHost, httpPort }: Pick<Settings, "httpHost" | "httpPort">, cause: unknown): string => {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  switch (code) {
    case "EADDRINUSE":
      return `port ${httpPort} of ${httpHost} is taken: set HTTP_PORT to another, or 0 for any, or run without the API (--roles)`
    case "EACCES":
      return `port ${httpPort} may not be opened by this user: set HTTP_PORT above 1023`
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `HTTP_HOST=${httpHost} is no address of this machine: use 127.0.0.1, or 0.0.0.0 for all of them`
    default:
      return `the API cannot listen at ${httpHost}:${httpPort}: ${code ?? String(cause)}`
  }
}

/** Serves until the scope closes; answers what to tell whoever started it. */
export const serveApi = (settings: Pick<Settings, "httpHost" | "httpPort">, actors: ReadonlyArray<Actor<any>>) =>
  Effect.gen(function* () {
    const tokens = yield* Layer.build(Tokens.layer)
    if (
      !isLoopback(settings.httpHost) &&
      !(yield* Effect.provide(
        Tokens.Tokens.use((service) => service.some),
        tokens
      ))
    ) {
      return yield* new ApiRefused({
        detail: `HTTP_HOST=${settings.httpHost} opens the API to others, and there is no token yet: make one with "postroom token", then start again`
      })
    }
    const context = yield* Layer.build(
      Server.layer(settings.httpHost, settings.httpPort).pipe(
        Layer.provide(Layer.succeed(EventTypes, eventTypesOf(actors))),
        Layer.provide(Layer.succeedContext(tokens))
      )
    ).pipe(Effect.catchTag("ServeError", ({ cause }) => new ApiRefused({ detail: explain(settings, cause) })))
    const address = yield* Effect.provide(
      HttpServer.addressFormattedWith((url) => Effect.succeed(url)),
      context
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
