/** Postroom on its embedded PostgreSQL: one actor, as `postroom start` runs it. */
import { Effect, Layer } from "effect"
import * as path from "node:path"
import { layerLogs } from "../../../src/cli/run.ts"
import * as Producer from "../../../src/runtime/Producer.ts"
import { startWorker } from "../../../src/runtime/Worker.ts"
import { benchActor, recordOf } from "../../support/benchActor.ts"
import { declareBench } from "../../support/fill.ts"
import { storageOf } from "../../support/Installation.ts"
import { concurrency, produce, say, workLog } from "./load.ts"

const storage = storageOf(path.join(process.env["FOLDER"]!, "data"))

const store = Effect.gen(function* () {
  yield* declareBench
  say("READY")
  yield* Effect.promise(() => new Promise((done) => process.stdin.on("end", done).resume()))
})

const work = Effect.gen(function* () {
  yield* startWorker({ actors: [benchActor(concurrency, workLog())] })
  say("READY")
  return yield* Effect.never
})

const send = Effect.gen(function* () {
  const producer = yield* Producer.Producer
  yield* Effect.promise(() => produce((job) => Effect.runPromise(producer.send([recordOf(job)]))))
}).pipe(Effect.provide(Producer.layer))

const program = { store, work, produce: send }[process.argv[2] as "store" | "work" | "produce"]
await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(Layer.mergeAll(storage, layerLogs("error")))))
process.exit(0)
