/** `postroom token`: another bearer token for the API. */
import { Effect, Layer } from "effect"
import * as Tokens from "../api/Tokens.ts"
import type { Settings } from "../config/settings.ts"
import { jsonLine, line } from "./output.ts"
import { layerJournal } from "./storage.ts"

export const makeToken = Effect.fn("token")(function* (
  settings: Settings,
  options: { readonly name: string; readonly json: boolean }
) {
  const token = yield* Tokens.Tokens.use((tokens) => tokens.make(options.name)).pipe(
    Effect.provide(Tokens.layer.pipe(Layer.provide(layerJournal(settings))))
  )
  if (options.json) jsonLine({ name: options.name, token })
  else line(token)
}, Effect.scoped)
