/** POST /events, POST /events/batch, GET /events/:id. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { EventIntake } from "../journal/EventIntake.ts"
import type { CheckedEvent } from "../journal/EventIntake.ts"
import type { Acceptance } from "../journal/Journal.ts"
import { flowProgress } from "../journal/sql/Flows.ts"
import { listTasks, readEvent } from "../journal/sql/History.ts"
import { Api } from "./Contract.ts"
import { guarded } from "./guarded.ts"
import { eventViewOf } from "./present.ts"
import { Conflict, NotFound } from "./Problems.ts"
import { check } from "./submission.ts"
import type { Receipt } from "./Views.ts"

/** Most tasks of a flow that its event shows. */
const largestFlow = 1_000

const receiptOf = (event: CheckedEvent, acceptance: Acceptance): Receipt => ({
  eventId: event.id,
  taskId: event.task,
  status: "queued",
  repeated: acceptance === "repeated"
})

const taken = (id: string) => Conflict.of(`another event was accepted under the id "${id}"`)

export const eventRoutes = HttpApiBuilder.group(Api, "events", (handlers) =>
  handlers
    // A client that hangs up must not leave it open whether its event was taken.
    .handle(
      "post",
      Effect.fnUntraced(function* ({ payload, headers }) {
        const intake = yield* EventIntake
        const event = yield* check(payload, headers["idempotency-key"], [])
        const [acceptance] = yield* guarded(intake.submit([event]))
        if (acceptance === "conflict") return yield* taken(event.id)
        return receiptOf(event, acceptance!)
      }),
      { uninterruptible: true }
    )
    .handle(
      "batch",
      Effect.fnUntraced(function* ({ payload }) {
        const intake = yield* EventIntake
        const events = yield* Effect.forEach(payload.events, (posted, i) => check(posted, undefined, ["events", i]))
        const acceptances = yield* guarded(intake.submit(events))
        const conflict = acceptances.indexOf("conflict")
        if (conflict !== -1) return yield* taken(events[conflict]!.id)
        return { events: events.map((event, i) => receiptOf(event, acceptances[i]!)) }
      }),
      { uninterruptible: true }
    )
    .handle(
      "get",
      Effect.fnUntraced(function* ({ params }) {
        const event = yield* guarded(readEvent({ id: params.id }))
        if (event === null) return yield* NotFound.of(`there is no event "${params.id}"`)
        const [progress] = yield* guarded(flowProgress([event.id]))
        const tasks = yield* guarded(
          listTasks(
            { states: [], queue: null, user: null, type: null, flow: event.id, since: null, until: null, q: null },
            largestFlow,
            null
          )
        )
        return eventViewOf(event, tasks.map(({ task }) => task).toReversed(), progress?.isOver ?? false)
      })
    )
)
