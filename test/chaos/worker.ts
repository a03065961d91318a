/**
 * A worker under a drill: `node worker.ts '<DrillPlace or ChaosPlace as JSON>'`. It runs the publisher and the drill's
 * own actors, under chaos also those that write and illustrate; it is made to be killed.
 */
import { Effect, Fiber, Layer, Redacted } from "effect"
import { layerFiles } from "../../src/cli/outside.ts"
import { layerStorage } from "../../src/cli/storage.ts"
import { startWorker } from "../../src/runtime/Worker.ts"
import { layerOpenAi } from "../../src/services/ai/OpenAi.ts"
import * as GramJsGateway from "../../src/services/telegram/GramJsGateway.ts"
import type { ChaosPlace, DrillPlace } from "./DrillPlace.ts"
import { stagesOf } from "./stages.ts"
import { flushCompileCache } from "node:module"
import { endWithParent } from "../../bench/support/endWithParent.ts"

endWithParent()
const place = JSON.parse(process.argv[2] ?? "{}") as DrillPlace & Partial<ChaosPlace>

const layers = Layer.mergeAll(
  layerStorage({
    dataDir: place.dataDir,
    databaseUrl: place.databaseUrl === null ? null : Redacted.make(place.databaseUrl),
    kafkaBrokers: place.kafkaBrokers ?? null
  }),
  layerFiles(place.files ?? place.dataDir),
  GramJsGateway.layer({
    apiId: 1,
    apiHash: Redacted.make("drill"),
    session: Redacted.make(place.telegram.session),
    server: place.telegram
  }),
  layerOpenAi({
    apiKey: Redacted.make(place.openAi?.apiKey ?? "none"),
    baseUrl: place.openAi?.baseUrl ?? "http://127.0.0.1:1/v1",
    model: "gpt-5-mini",
    imageModel: "gpt-image-2.5-flare",
    timeout: "20 seconds",
    imageTimeout: "30 seconds",
    userKey: Redacted.make("drill")
  })
)

const program = Effect.gen(function* () {
  yield* startWorker({
    actors: stagesOf(place),
    giveUp: (queue) =>
      Effect.sync(() => {
        process.stderr.write(`queue ${queue} stands still although it was rebuilt\n`)
        process.exit(1)
      })
  })
  // Who is killed keeps nothing: what was compiled is put aside now, for the next life.
  yield* Effect.sync(() => flushCompileCache())
  return yield* Effect.never
}).pipe(Effect.scoped, Effect.provide(layers))

const fiber = Effect.runFork(program as Effect.Effect<never, unknown>)
let isLeaving = false
process.once("SIGTERM", () => {
  isLeaving = true
  Effect.runFork(Fiber.interrupt(fiber))
})
fiber.addObserver((exit) => {
  if (isLeaving) process.exit(0)
  process.stderr.write(`the worker of the drill ended: ${JSON.stringify(exit)}\n`)
  process.exit(1)
})
