/** `postroom start`: the actors and the API of one process, until it is asked to stop. */
import { Effect, Layer } from "effect"
import type { Settings } from "../config/settings.ts"
import * as Intake from "../runtime/EventIntake.ts"
import { declare, startWorker } from "../runtime/Worker.ts"
import { startSandbox } from "../sandbox/Sandbox.ts"
import type { Sandbox } from "../sandbox/Sandbox.ts"
import { readActors } from "./actors.ts"
import { scheduleChores } from "./chores.ts"
import { outsideOf } from "./credentials.ts"
import { layerOutside } from "./outside.ts"
import type { Outside } from "./credentials.ts"
import { readRoles } from "./roles.ts"
import { removeDemo, seedDemo } from "./seed.ts"
import { serveApi, serveHealth } from "./serve.ts"
import { layerStorage } from "./storage.ts"

export interface StartOptions {
  readonly roles: string | null
  readonly actors: string | null
  readonly sandbox: boolean
}

const say = (line: string) => Effect.sync(() => process.stdout.write(`${line}\n`))

const sayOutside = ({ usesSandbox, missing }: Outside) =>
  Effect.gen(function* () {
    const played = [usesSandbox.telegram ? "Telegram" : "", usesSandbox.models ? "OpenAI" : ""].filter(
      (name) => name !== ""
    )
    if (played.length > 0)
      yield* say(
        `No credentials for ${played.join(" and ")}: the sandbox plays ${played.length > 1 ? "them" : "it"} (see .env.example).`
      )
    if (missing.telegram !== null) yield* say(`publisher is off: ${missing.telegram}`)
    if (missing.models !== null) yield* say(`rewriter and imagegen are off: ${missing.models}`)
  })

/** Runs until it is interrupted. */
export const start = Effect.fn("start")(function* (settings: Settings, options: StartOptions) {
  const outside = outsideOf(settings, options.sandbox)
  const actors = yield* readActors(outside.missing, options.actors)
  const roles = yield* readRoles(
    options.roles,
    actors.map((actor) => actor.name)
  )
  const plays = outside.usesSandbox.telegram || outside.usesSandbox.models
  const sandbox: Sandbox | null = plays ? yield* startSandbox() : null
  const layers = Layer.mergeAll(
    Intake.layer.pipe(Layer.provideMerge(layerStorage(settings))),
    layerOutside(settings, outside, sandbox)
  )
  return yield* Effect.gen(function* () {
    yield* sayOutside(outside)
    // First of all the port: a start that is refused must leave nothing behind.
    const served = roles.has("api") ? yield* serveApi(settings, actors) : yield* serveHealth(settings)
    yield* declare(actors)
    yield* scheduleChores
    yield* sandbox === null ? removeDemo : seedDemo(sandbox)
    yield* Effect.forEach(served, say, { discard: true })
    yield* startWorker({
      actors,
      runs: (actor) => roles.has(actor.name),
      slots: settings.slots,
      drainMs: settings.drainMs,
      giveUp: (queue) =>
        Effect.sync(() => {
          process.stderr.write(
            `postroom: queue ${queue} stands still although it was rebuilt; ending, so that a supervisor starts anew\n`
          )
          process.exit(1)
        })
    })
    yield* say(`Postroom runs ${[...roles].join(", ")}. Ctrl-C stops it in order, a second one at once.`)
    return yield* Effect.never
  }).pipe(Effect.scoped, Effect.provide(layers))
})
