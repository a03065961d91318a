/**
 * The whole pipeline once, on a temporary directory: three users, their
 * sources, faults injected on the way, and a report of what became of every
 * post, checked against what the demo world says should become of it.
 */
import { Clock, Duration, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { randomUUID } from "node:crypto"
import { Blobs } from "../services/blobs/Blobs.ts"
import { taskIdOf } from "../domain/ids.ts"
import { sourceKeyOf } from "../domain/Post.ts"
import type { Source } from "../domain/Post.ts"
import { flowProgress } from "../journal/sql/Flows.ts"
import { EventIntake } from "../journal/EventIntake.ts"
import type { CheckedEvent } from "../journal/EventIntake.ts"
import * as Intake from "../runtime/EventIntake.ts"
import { startWorker } from "../runtime/Worker.ts"
import type { Sandbox } from "../sandbox/Sandbox.ts"
import { startSandbox } from "../sandbox/Sandbox.ts"
import type { DemoSource, DemoUser } from "../sandbox/world/demoUsers.ts"
import { mediaUploaded } from "../topics/mediaUploaded.ts"
import { sourcesDue } from "../topics/sourcesDue.ts"
import type { Settings } from "../config/settings.ts"
import { readActors } from "./actors.ts"
import { demoReport } from "./demoReport.ts"
import { outsideOf } from "./credentials.ts"
import { layerOutside } from "./outside.ts"
import { layerStorage } from "./storage.ts"

/** What goes wrong on the way: a flood, a lost answer, cut connections, answers that are none. */
const injectFaults = (sandbox: Sandbox) =>
  Effect.gen(function* () {
    sandbox.telegram.faults.add(
      { method: "messages.getHistory", error: "FLOOD_WAIT_1", times: 1, skip: 1 },
      { method: "messages.sendMedia", error: "FLOOD_WAIT_2", times: 1, skip: 2 },
      { method: "messages.sendMedia", dropAfter: true, times: 1, skip: 5 },
      { method: "messages.sendMultiMedia", dropBefore: true, times: 1 }
    )
    yield* sandbox.openAi.script({ route: "responses", kind: "invalid_json", times: 2, after: 3 })
    yield* sandbox.openAi.script({ route: "responses", kind: "rate_limit", times: 1, after: 8 })
    yield* sandbox.openAi.script({ route: "responses", kind: "cut_midway", times: 1, after: 12 })
    yield* sandbox.openAi.script({ route: "images", kind: "moderation_blocked", times: 1, after: 1 })
  })

/** A source of the demo as the collector takes it. */
export const sourceOf = (sandbox: Sandbox, source: DemoSource): Source =>
  source.kind === "telegram"
    ? { kind: "telegram", username: source.username }
    : { kind: "feed", url: sandbox.web.feedUrl(source.name) }

const eventOf = (of: { topic: string; type: string; queue: string; user: string; data: unknown }): CheckedEvent => {
  const id = randomUUID()
  return {
    id,
    type: of.type,
    user: of.user,
    queue: of.queue,
    task: taskIdOf(of.queue, id),
    fingerprint: "",
    data: JSON.stringify(of.data),
    awaits: 1,
    topic: of.topic,
    at: null
  }
}

const collectEvents = (sandbox: Sandbox, user: DemoUser) =>
  user.sources.map((source) =>
    eventOf({
      topic: sourcesDue.name,
      type: sourcesDue.type,
      queue: "collector",
      user: user.id,
      data: {
        source: sourceOf(sandbox, source),
        assignment: { target: user.target, style: user.style, language: user.language },
        backfill: 500
      }
    })
  )

const photographs = 6

/** Some of the world's pictures, as a user would upload them. */
const uploadEvents = (sandbox: Sandbox) =>
  Effect.gen(function* () {
    const blobs = yield* Blobs
    const pictures = sandbox.world.posts.flatMap((post) => post.pictures).slice(0, photographs)
    return yield* Effect.forEach(pictures, (picture) =>
      Effect.gen(function* () {
        const { bytes } = picture
        const { sha256 } = yield* blobs.put(
          typeof bytes === "function" ? yield* Effect.promise(async () => bytes()) : bytes
        )
        return eventOf({
          topic: mediaUploaded.name,
          type: mediaUploaded.type,
          queue: "converter",
          user: "anna",
          data: { sha256, name: picture.name }
        })
      })
    )
  })

const untilOver = (events: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    while (true) {
      const progress = yield* flowProgress(events)
      if (progress.every((flow) => flow.isOver)) return
      yield* Effect.sleep(Duration.millis(100))
    }
  })

/** Runs the demo in `dataDir` and answers its report. */
export const runDemo = Effect.fn("demo")(function* (settings: Settings) {
  const started = yield* Clock.currentTimeMillis
  const sandbox = yield* startSandbox()
  yield* injectFaults(sandbox)
  const outside = outsideOf({ ...settings, openAiKey: null, telegramApiId: null }, true)
  const actors = yield* readActors(outside.missing, null)
  const layers = Layer.mergeAll(
    Intake.layer.pipe(Layer.provideMerge(layerStorage(settings))),
    layerOutside(settings, outside, sandbox)
  )
  // Scoped within the layers: the worker drains before the database below it closes.
  return yield* Effect.gen(function* () {
    const intake = yield* EventIntake
    yield* startWorker({ actors })
    const events = [
      ...sandbox.world.users.flatMap((user) => collectEvents(sandbox, user)),
      ...(yield* uploadEvents(sandbox))
    ]
    yield* intake.submit(events)
    yield* untilOver(events.map((event) => event.id))
    const sql = yield* SqlClient.SqlClient
    const tasks = yield* sql<{
      queue: string
      user: string
      state: number
      attempt: number
      result: string | null
      reason: string | null
      offset: bigint
      started: Date
      ended: Date
    }>`
      SELECT q.name AS queue, t.user_key AS user, t.state, t.attempt, t.result, t.reason, t."offset", t.started_at AS started, t.ended_at AS ended
      FROM task t JOIN queue q ON q.id = t.queue ORDER BY t.ended_at`
    const finished = yield* Clock.currentTimeMillis
    return demoReport({
      world: sandbox.world,
      sourceKeyOf: (source) => sourceKeyOf(sourceOf(sandbox, source)),
      tasks,
      ledger: sandbox.telegram.ledger.entries(),
      modelCalls: sandbox.openAi.ledger.entries().filter(({ kind }) => kind === "arrived").length,
      seconds: (finished - started) / 1000
    })
  }).pipe(Effect.scoped, Effect.provide(layers))
})
