/** The API under chaos, in a process of its own: `node api.ts '<ChaosPlace as JSON>'`. */
import { Effect, Layer, Redacted } from "effect"
import { serveApi } from "../../src/cli/serve.ts"
import { layerStorage } from "../../src/cli/storage.ts"
import * as Intake from "../../src/runtime/EventIntake.ts"
import { declare } from "../../src/runtime/Worker.ts"
import type { ChaosPlace } from "./DrillPlace.ts"
import { stagesOf } from "./stages.ts"
import { flushCompileCache } from "node:module"
import { endWithParent } from "../../bench/support/endWithParent.ts"

endWithParent()
const place = JSON.parse(process.argv[2] ?? "{}") as ChaosPlace

const program = Effect.gen(function* () {
  const actors = stagesOf(place)
  yield* declare(actors)
  yield* serveApi({ httpHost: "127.0.0.1", httpPort: place.api.port }, actors)
  // Who is killed keeps nothing: what was compiled is put aside now, for the next life.
  yield* Effect.sync(() => flushCompileCache())
  return yield* Effect.never
}).pipe(
  Effect.scoped,
  Effect.provide(
    Intake.layer.pipe(
      Layer.provideMerge(
        layerStorage({
          dataDir: place.dataDir,
          databaseUrl: Redacted.make(place.databaseUrl),
          kafkaBrokers: place.kafkaBrokers
        })
      )
    )
  )
)

const fiber = Effect.runFork(program as Effect.Effect<never, unknown>)
fiber.addObserver((exit) => {
  process.stderr.write(`the API of the drill ended: ${JSON.stringify(exit)}\n`)
  process.exit(1)
})
