/** `postroom produce` and `postroom events`: events in, and what became of them. */
import { Data, Duration, Effect, Layer } from "effect"
import { text as readText } from "node:stream/consumers"
import { eventTypesOf, EventTypes } from "../api/EventTypes.ts"
import type { BadRequest } from "../api/Problems.ts"
import { check } from "../api/submission.ts"
import { cancelFlow, cancelledIn, flowStatusOf } from "../api/flows.ts"
import { Broker } from "../broker/Broker.ts"
import type { Settings } from "../config/settings.ts"
import { EventIntake } from "../journal/EventIntake.ts"
import { flowProgress } from "../journal/sql/Flows.ts"
import * as History from "../journal/sql/History.ts"
import * as Intake from "../runtime/EventIntake.ts"
import { readActors } from "./actors.ts"
import { jsonLine, line, status, table, when } from "./output.ts"
import { outsideOf } from "./outside.ts"
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
  const types = Layer.succeed(EventTypes, eventTypesOf(actors))
  const event = yield* check(
    { type: options.type, user: options.user, data, ...(options.id === null ? {} : { id: options.id }) },
    undefined,
    []
  ).pipe(Effect.mapError(explain), Effect.provide(types))
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

/** Lists the newest events with their flows. */
export const listEvents = Effect.fn("events")(function* (
  settings: Settings,
  options: { readonly user: string | null; readonly limit: number; readonly json: boolean }
) {
  const { events, flows, cancelled } = yield* Effect.gen(function* () {
    const found = yield* History.listEvents(options.limit, options.user)
    const ids = found.map((event) => event.id)
    return { events: found, flows: yield* flowProgress(ids), cancelled: yield* cancelledIn(ids) }
  }).pipe(Effect.provide(layerStorage(settings)))
  const progress = new Map(flows.map((flow) => [flow.flow, flow]))
  const stateOf = (id: string): string => {
    const flow = progress.get(id)
    return flowStatusOf(flow, (flow?.ended ?? 0) > 0, cancelled.get(id) ?? 0)
  }
  if (options.json) {
    for (const event of events)
      jsonLine({ ...event, data: JSON.parse(event.data) as unknown, status: stateOf(event.id) })
    return
  }
  table(
    ["event", "type", "user", "at", "status", "tasks"],
    events.map((event) => {
      const flow = progress.get(event.id)
      return [
        event.id,
        event.type,
        event.user,
        when(event.at),
        status(stateOf(event.id)),
        `${flow?.ended ?? 0}/${flow?.expected ?? 0}`
      ]
    })
  )
}, Effect.scoped)

/** Cancels what has not ended of an event; code 1 where nothing was left to cancel. */
export const cancelEvent = Effect.fn("events cancel")(function* (
  settings: Settings,
  options: { readonly id: string; readonly json: boolean }
) {
  const end = yield* cancelFlow(options.id, "the command line").pipe(Effect.provide(layerStorage(settings)))
  if (end === null) return yield* new EventRefused({ detail: `there is no event "${options.id}"` })
  const { wasOver, ...answer } = end
  if (options.json) jsonLine({ eventId: options.id, ...answer })
  else if (wasOver) line(`it has ended already: ${answer.status}`)
  else if (answer.status === "queued" || answer.status === "in_progress")
    line("will be cancelled as soon as its workers see it")
  else line(`${answer.status}: ${answer.cancelled} cancelled, ${answer.ended} had ended`)
  return wasOver ? 1 : 0
}, Effect.scoped)
