/** Postroom on its embedded PostgreSQL: one actor, as `postroom start` runs it. */
import { Effect, Layer, Schema } from "effect"
import * as path from "node:path"
import { layerLogs } from "../../../src/cli/run.ts"
import { headersOf } from "../../../src/domain/Envelope.ts"
import * as Actor from "../../../src/runtime/Actor.ts"
import * as Producer from "../../../src/runtime/Producer.ts"
import { declare, startWorker } from "../../../src/runtime/Worker.ts"
import * as Topic from "../../../src/topics/Topic.ts"
import { storageOf } from "../../support/Installation.ts"
import { bodyOf, concurrency, produce, say } from "./load.ts"
import type { Task } from "./load.ts"

const topic = Topic.make({
  name: "crash",
  type: "crash.task",
  description: "Tasks of a crash run. Key: user.",
  value: Schema.Struct({ n: Schema.Finite, user: Schema.String, seq: Schema.Finite })
})

const storage = storageOf(path.join(process.env["FOLDER"]!, "data"))
const encoder = new TextEncoder()

const recordOf = (task: Task) => ({
  topic: topic.name,
  key: encoder.encode(task.user),
  value: encoder.encode(JSON.stringify(task)),
  headers: headersOf({ id: `task-${task.n}`, type: topic.type, source: "/crash", time: Date.now() })
})

const body = bodyOf()
const actor = Actor.make({ name: "crash", topic, concurrency, handler: (task) => Effect.promise(() => body(task)) })

const store = Effect.gen(function* () {
  yield* declare([actor])
  say("READY")
  yield* Effect.promise(() => new Promise((done) => process.stdin.on("end", done).resume()))
})

const work = Effect.gen(function* () {
  yield* startWorker({ actors: [actor] })
  say("READY")
  return yield* Effect.never
})

const send = Effect.gen(function* () {
  const producer = yield* Producer.Producer
  yield* Effect.promise(() => produce((task) => Effect.runPromise(producer.send([recordOf(task)]))))
}).pipe(Effect.provide(Producer.layer))

const program = { store, work, produce: send }[process.argv[2] as "store" | "work" | "produce"]
await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(Layer.mergeAll(storage, layerLogs("error")))))
process.exit(0)
