/** `postroom events`: what became of them, and the cancel of a whole flow. */
import { Data, Effect } from "effect"
import { cancelFlow, cancelledIn, flowStatusOf } from "../api/flows.ts"
import type { Settings } from "../config/settings.ts"
import { flowProgress } from "../journal/sql/Flows.ts"
import * as EventHistory from "../journal/sql/EventHistory.ts"
import { jsonLine, line, status, table, when } from "./output.ts"
import { layerJournal } from "./storage.ts"

/** No event answers to that. */
export class NoSuchEvent extends Data.TaggedError("NoSuchEvent")<{ readonly id: string }> {
  override get message() {
    return `there is no event "${this.id}"`
  }
}

/** Lists the newest events with their flows. */
export const listEvents = Effect.fn("events")(function* (
  settings: Settings,
  options: { readonly user: string | null; readonly limit: number; readonly json: boolean }
) {
  const { events, flows, cancelled } = yield* Effect.gen(function* () {
    const found = yield* EventHistory.listEvents(options.limit, options.user)
    const ids = found.map((event) => event.id)
    return { events: found, flows: yield* flowProgress(ids), cancelled: yield* cancelledIn(ids) }
  }).pipe(Effect.provide(layerJournal(settings)))
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
  const end = yield* cancelFlow(options.id, "the command line").pipe(Effect.provide(layerJournal(settings)))
  if (end === null) return yield* new NoSuchEvent({ id: options.id })
  const { wasOver, ...answer } = end
  if (options.json) jsonLine({ eventId: options.id, ...answer })
  else if (wasOver) line(`it has ended already: ${answer.status}`)
  else if (answer.status === "queued" || answer.status === "in_progress")
    line("will be cancelled as soon as its workers see it")
  else line(`${answer.status}: ${answer.cancelled} cancelled, ${answer.ended} had ended`)
  return wasOver ? 1 : 0
}, Effect.scoped)
