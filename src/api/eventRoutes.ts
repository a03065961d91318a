/** POST /events, POST /events/batch, GET /events/:id, POST /events/:id/cancel. */
import { Effect, Result } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { SqlClient } from "effect/sql"
import { texts } from "../database/columns.ts"
import { EventIntake } from "../journal/EventIntake.ts"
import type { CheckedEvent } from "../journal/EventIntake.ts"
import { flowProgress } from "../journal/sql/Flows.ts"
import { readEvent } from "../journal/sql/EventHistory.ts"
import { Api } from "./Contract.ts"
import { cancelFlow, cancelledIn, flowStatusOf, flowTasks } from "./flows.ts"
import { EventTypes } from "./EventTypes.ts"
import { guarded } from "./guarded.ts"
import { eventViewOf, receiptOf } from "./present.ts"
import type { FieldIssue } from "./Problems.ts"
import { BadRequest, Conflict, NotFound } from "./Problems.ts"
import { check } from "./submission.ts"

const noEvent = (id: string) => NotFound.of(`there is no event "${id}"`)

const takenAt = (path: ReadonlyArray<string | number>): FieldIssue => ({
  path: [...path, "id"],
  message: "another event was accepted under this id"
})

const taken = (issues: ReadonlyArray<FieldIssue>, rest = "") =>
  Conflict.of(`an id stands for one event, and another was accepted under it${rest}`, issues)

/** Places in `events` whose id stands for another event already, among those kept or within the batch. */
const conflictsIn = (events: ReadonlyArray<CheckedEvent>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql.unsafe<{ id: string; fingerprint: string }>(
      `SELECT id, fingerprint FROM event WHERE id = ANY ($1::text[])`,
      [texts(events.map((event) => event.id))]
    )
    const known = new Map(rows.map((row) => [row.id, row.fingerprint]))
    return events.flatMap(({ id, fingerprint }, i) => {
      const other = known.get(id) ?? fingerprint
      known.set(id, other)
      return other === fingerprint ? [] : [i]
    })
  })

export const eventRoutes = HttpApiBuilder.group(
  Api,
  "events",
  Effect.fnUntraced(function* (handlers) {
    // Looked up once and not per request: these two routes are the hot ones.
    const intake = yield* EventIntake
    const types = yield* EventTypes
    return (
      handlers
        // A client that hangs up must not leave it open whether its event was taken.
        .handle(
          "post",
          ({ payload, headers }) => {
            const checked = check(types, payload, headers["idempotency-key"], [])
            if (Result.isFailure(checked)) return Effect.fail(checked.failure)
            const event = checked.success
            return Effect.flatMap(guarded(intake.submit([event])), ([acceptance]) =>
              acceptance === "conflict" ? Effect.fail(taken([takenAt([])])) : Effect.succeed(receiptOf(event))
            )
          },
          { uninterruptible: true }
        )
        .handle(
          "batch",
          Effect.fnUntraced(function* ({ payload, headers }) {
            const key = headers["idempotency-key"]
            const checked = payload.events.map((posted, i) =>
              check(types, posted, posted.id === undefined && key !== undefined ? `${key}/${i}` : undefined, [
                "events",
                i
              ])
            )
            const issues = checked.flatMap((one) => (Result.isFailure(one) ? (one.failure.errors ?? []) : []))
            if (issues.length > 0) return yield* BadRequest.of("none of the events was accepted", issues)
            const events = checked.flatMap((one) => (Result.isSuccess(one) ? [one.success] : []))
            const conflicts = yield* guarded(conflictsIn(events))
            if (conflicts.length > 0) {
              return yield* taken(
                conflicts.map((i) => takenAt(["events", i])),
                "; none of the events was accepted"
              )
            }
            const acceptances = yield* guarded(intake.submit(events))
            // Somebody else took an id between the look and the writing.
            const late = acceptances.flatMap((acceptance, i) =>
              acceptance === "conflict" ? [takenAt(["events", i])] : []
            )
            if (late.length > 0) return yield* taken(late, "; the other events were accepted")
            return { events: events.map(receiptOf) }
          }),
          { uninterruptible: true }
        )
        .handle(
          "get",
          Effect.fnUntraced(function* ({ params }) {
            const event = params.id.includes("\0") ? null : yield* guarded(readEvent({ id: params.id }))
            if (event === null) return yield* noEvent(params.id)
            const [progress] = yield* guarded(flowProgress([event.id]))
            const tasks = yield* guarded(flowTasks(event.id))
            const cancelled = (yield* guarded(cancelledIn([event.id]))).get(event.id) ?? 0
            return eventViewOf(event, tasks, flowStatusOf(progress, tasks.length > 0, cancelled))
          })
        )
        .handle(
          "cancel",
          Effect.fnUntraced(function* ({ params }) {
            const end = params.id.includes("\0") ? null : yield* guarded(cancelFlow(params.id, "the API"))
            if (end === null) return yield* noEvent(params.id)
            const { status, cancelled, ended, wasOver } = end
            if (wasOver) return yield* Conflict.of(`the flow has ended already: ${status}`)
            const isOver = status !== "queued" && status !== "in_progress"
            const message = !isOver
              ? "its workers have been asked and have not all answered yet"
              : cancelled > 0
                ? "nothing more of it will run"
                : `it ended first: ${status}`
            return { eventId: params.id, status, cancelled, ended, message }
          }),
          { uninterruptible: true }
        )
    )
  })
)
