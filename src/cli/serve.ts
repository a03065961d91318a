/** The API within `start`: its address, its first token, and the refusal to open it to others without one. */
import { Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import { eventTypesOf, EventTypes } from "../api/EventTypes.ts"
import * as Server from "../api/Server.ts"
import * as Tokens from "../api/Tokens.ts"
import type { Settings } from "../config/settings.ts"
import type { Actor } from "../runtime/Actor.ts"

/** Serves until the scope closes. */
export const serveApi = (
  settings: Pick<Settings, "httpHost" | "httpPort">,
  actors: ReadonlyArray<Actor<any>>,
  say: (line: string) => Effect.Effect<void>
) =>
  Effect.gen(function* () {
    const tokens = yield* Layer.build(Tokens.layer)
    const first = yield* Effect.provide(
      Tokens.Tokens.use((service) => service.first),
      tokens
    )
    const context = yield* Layer.build(
      Server.layer(settings.httpHost, settings.httpPort).pipe(
        Layer.provide(Layer.succeed(EventTypes, eventTypesOf(actors))),
        Layer.provide(Layer.succeedContext(tokens))
      )
    )
    const address = yield* Effect.provide(
      HttpServer.addressFormattedWith((url) => Effect.succeed(url)),
      context
    )
    yield* say(`API at ${address}/api/v1, described at ${address}/openapi.json`)
    if (first !== null) yield* say(`Your token, shown this once: ${first}`)
  })
