/**
 * The client of the drill: every user posts its events one call after another
 * and writes down each acknowledgement before it goes on. Started again, it
 * goes on behind the last one written down, and so posts again what may have
 * been kept without its knowing: `node client.ts '<DrillPlace as JSON>'`.
 */
import { Effect, Layer, Random } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { makePublisher } from "../../src/actors/publisher/publisher.ts"
import { layerStorage } from "../../src/cli/storage.ts"
import { taskIdOf } from "../../src/domain/ids.ts"
import { EventIntake } from "../../src/journal/EventIntake.ts"
import type { CheckedEvent } from "../../src/journal/EventIntake.ts"
import * as Intake from "../../src/runtime/EventIntake.ts"
import { declare } from "../../src/runtime/Worker.ts"
import { postsReady } from "../../src/topics/postsReady.ts"
import { chaosActors, steps } from "./actors.ts"
import { channelOf } from "./DrillPlace.ts"
import type { DrillPlace } from "./DrillPlace.ts"
import { endWithParent } from "../../bench/support/endWithParent.ts"

endWithParent()
const place = JSON.parse(process.argv[2] ?? "{}") as DrillPlace
const file = path.join(place.records, "acknowledged.log")
const fd = fs.openSync(file, "a")

/** The next event of each user, by what was acknowledged before. */
const nextOf = new Map<string, number>()
for (const line of fs.readFileSync(file, "utf8").split("\n").slice(0, -1)) {
  const [, user, seq] = line.split(" ")
  nextOf.set(user!, Math.max(nextOf.get(user!) ?? 0, Number(seq) + 1))
}

const event = (
  of: Pick<CheckedEvent, "topic" | "type" | "queue" | "user"> & { seq: number; data: unknown }
): CheckedEvent => {
  const id = `${of.user}:${of.seq}`
  return {
    id,
    type: of.type,
    user: of.user,
    queue: of.queue,
    task: taskIdOf(of.queue, id),
    fingerprint: id,
    data: JSON.stringify(of.data),
    awaits: 1,
    topic: of.topic,
    at: null
  }
}

const stepOf = (user: string, seq: number) =>
  event({ topic: steps.name, type: steps.type, queue: "tally", user, seq, data: { user, seq } })

const postOf = (writer: number, seq: number) => {
  const user = `writer-${writer}`
  const post = {
    id: `${user}:${seq}`,
    source: "drill",
    title: "",
    text: `${user} says ${seq}`,
    tags: [],
    url: null,
    images: []
  }
  const assignment = { target: channelOf(writer), style: "", language: "en" }
  return event({
    topic: postsReady.name,
    type: postsReady.type,
    queue: "publisher",
    user,
    seq,
    data: { post, assignment }
  })
}

/** Posts for ever: `most` events in one call, with a pause of `fromMs` to `toMs` after it. */
const post = (user: string, make: (seq: number) => CheckedEvent, most: number, fromMs: number, toMs: number) =>
  Effect.gen(function* () {
    const intake = yield* EventIntake
    while (true) {
      yield* Effect.sleep(yield* Random.nextIntBetween(fromMs, toMs))
      const from = nextOf.get(user) ?? 0
      const count = yield* Random.nextIntBetween(1, most + 1)
      const events = Array.from({ length: count }, (_, n) => make(from + n))
      const answers = yield* intake.submit(events).pipe(
        Effect.tapError(() => Effect.sleep("20 millis")),
        Effect.retry({ times: 10_000 })
      )
      for (const [n, answer] of answers.entries()) fs.writeSync(fd, `${answer} ${user} ${from + n}\n`)
      nextOf.set(user, from + count)
    }
  })

const program = Effect.gen(function* () {
  yield* declare([makePublisher(null), ...chaosActors(place.records)])
  const walkers = Array.from({ length: place.walkers }, (_, n) => `walker-${n}`)
  const writers = Array.from({ length: place.writers }, (_, n) => n)
  yield* Effect.all(
    [
      ...walkers.map((user) => post(user, (seq) => stepOf(user, seq), 3, 40, 200)),
      ...writers.map((writer) => post(`writer-${writer}`, (seq) => postOf(writer, seq), 1, 100, 400))
    ],
    { concurrency: "unbounded" }
  )
}).pipe(
  Effect.provide(
    Intake.layer.pipe(
      Layer.provideMerge(layerStorage({ dataDir: place.dataDir, databaseUrl: null, kafkaBrokers: null }))
    )
  )
)
await Effect.runPromise(program as Effect.Effect<unknown, unknown>)
