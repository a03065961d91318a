/** The worker under the drill: `node worker.ts '<DrillPlace as JSON>'`. Publisher and own actors; it is made to be killed. */
import { Effect, Layer, Redacted } from "effect"
import * as path from "node:path"
import { makePublisher } from "../../src/actors/publisher/publisher.ts"
import { layerFiles } from "../../src/cli/outside.ts"
import { layerStorage } from "../../src/cli/storage.ts"
import { startWorker } from "../../src/runtime/Worker.ts"
import * as GramJsGateway from "../../src/services/telegram/GramJsGateway.ts"
import { chaosActors } from "./actors.ts"
import type { DrillPlace } from "./DrillPlace.ts"
import { endWithParent } from "../../bench/support/endWithParent.ts"

endWithParent()
const place = JSON.parse(process.argv[2] ?? "{}") as DrillPlace

const layers = Layer.mergeAll(
  layerStorage({ dataDir: place.dataDir, databaseUrl: null, kafkaBrokers: null }),
  layerFiles(place.dataDir),
  GramJsGateway.layer({
    apiId: 1,
    apiHash: Redacted.make("drill"),
    session: Redacted.make(place.telegram.session),
    server: place.telegram
  })
)

const program = Effect.gen(function* () {
  yield* startWorker({ actors: [makePublisher(null), ...chaosActors(path.join(place.records, "attempts.log"))] })
  return yield* Effect.never
}).pipe(Effect.scoped, Effect.provide(layers))

const fiber = Effect.runFork(program as Effect.Effect<never, unknown>)
fiber.addObserver((exit) => {
  process.stderr.write(`the worker of the drill ended: ${JSON.stringify(exit)}\n`)
  process.exit(1)
})
