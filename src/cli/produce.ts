/** `postroom produce`: one event in, as POST /events takes it. */
import { Data, Duration, Effect, Layer } from "effect"
import { text as readText } from "node:stream/consumers"
import { eventTypesOf } from "../api/EventTypes.ts"
import type { BadRequest } from "../api/Problems.ts"
import { check } from "../api/submission.ts"
import { Broker } from "../broker/Broker.ts"
import type { Settings } from "../config/settings.ts"
import { EventIntake } from "../journal/EventIntake.ts"
import * as Intake from "../runtime/EventIntake.ts"
import { readActors } from "./actors.ts"
import { jsonLine, line } from "./output.ts"
import { outsideOf } from "./credentials.ts"
import { layerStorage } from "./storage.ts"
import { WrongUsage } from "./usage.ts"

/** The event was not taken. */
export class EventRefused extends Data.TaggedError("EventRefused")<{ readonly detail: string }> {
  override get message() {
    return this.detail
  }
}

const explain = (problem: BadRequest) =>
  new EventRefused({
    detail:
      (problem.errors ?? []).map((error) => `${error.path.join(".")}: ${error.message}`).join("; ") || problem.detail
  })

const parse = (text: string) =>
  Effect.try({
    try: () => JSON.parse(text) as unknown,
    catch: (cause) => new WrongUsage({ detail: `--data is no JSON: ${(cause as Error).message}` })
  })

export interface ProduceOptions {
  readonly type: string
  readonly user: string
  readonly data: string | null
  readonly id: string | null
  readonly actors: string | null
  readonly json: boolean
}

/** Puts one event in, as POST /events does. */
export const produce = Effect.fn("produce")(function* (settings: Settings, options: ProduceOptions) {
  const actors = yield* readActors(outsideOf(settings, true).missing, options.actors)
  const data = yield* parse(options.data ?? (yield* Effect.promise(() => readText(process.stdin))))
  const types = eventTypesOf(actors)
  const checked = check(
    types,
    { type: options.type, user: options.user, data, ...(options.id === null ? {} : { id: options.id }) },
    undefined,
    []
  )
  const event = yield* Effect.mapError(Effect.fromResult(checked), explain)
  const acceptance = yield* Effect.gen(function* () {
    // Only the topics: whether queues are off is for those to say who run them.
    const broker = yield* Broker
    yield* broker.ensureTopics(
      actors.map(({ topic: { name, partitions, retention } }) => ({
        name,
        partitions,
        retentionMs: Duration.toMillis(retention)
      }))
    )
    const intake = yield* EventIntake
    const [answer] = yield* intake.submit([event])
    return answer!
  }).pipe(Effect.provide(Intake.layer.pipe(Layer.provideMerge(layerStorage(settings)))))
  if (acceptance === "conflict")
    return yield* new EventRefused({ detail: `another event was accepted under the id "${event.id}"` })
  if (options.json) jsonLine({ eventId: event.id, taskId: event.task, repeated: acceptance === "repeated" })
  else line(`event ${event.id} ${acceptance === "repeated" ? "was accepted before" : "accepted"}, task ${event.task}`)
}, Effect.scoped)
