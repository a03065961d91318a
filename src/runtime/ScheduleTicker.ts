/**
 * Emits the records of schedules. Each tick's record has a deterministic id,
 * so a tick that a crash emitted twice is one task; due schedules are locked
 * in the journal, so it does not matter how many processes tick.
 */
import { Clock, Duration, Effect } from "effect"
import { Broker } from "../broker/Broker.ts"
import type { OutgoingRecord } from "../broker/Record.ts"
import { headersOf } from "../domain/Envelope.ts"
import { tickIdOf } from "../domain/ids.ts"
import { dueTicks } from "../domain/Schedule.ts"
import type { Schedule } from "../domain/Schedule.ts"
import { keyOf } from "../domain/Task.ts"
import { Journal } from "../journal/Journal.ts"
import { forkLoop } from "./forkLoop.ts"
import { laterIdOf } from "./EventIntake.ts"

const everyMs = 250

/** A tick that is older when it is seen counts as missed, ms. */
const graceMs = 60_000

const encoder = new TextEncoder()

/** The record of one tick. A posted event that was to start later becomes the record it would have been at once. */
const recordOf = (schedule: Schedule, at: number): OutgoingRecord => {
  const event = schedule.id.startsWith(laterIdOf("")) ? schedule.id.slice(laterIdOf("").length) : null
  return {
    topic: schedule.topic,
    key: schedule.user === null ? null : keyOf(schedule.user),
    value: encoder.encode(schedule.data),
    headers: headersOf({
      id: event ?? tickIdOf(schedule.id, at),
      type: schedule.type,
      source: event === null ? `/postroom/schedules/${schedule.id}` : "/postroom/api",
      time: at,
      flow: event
    })
  }
}

/** Emits what is due now; answers how many schedules fired. */
export const tickOnce = Effect.gen(function* () {
  const journal = yield* Journal
  const broker = yield* Broker
  const now = yield* Clock.currentTimeMillis
  return yield* journal.dueSchedules(now, (due) => {
    const fired = due.map((schedule) => ({ schedule, ...dueTicks(schedule, now, graceMs) }))
    const records = fired.flatMap(({ schedule, ticks }) => ticks.map((at) => recordOf(schedule, at)))
    return Effect.as(
      records.length === 0 ? Effect.void : broker.handOver(records),
      fired.map(({ after }) => after)
    )
  })
})

/** Ticks as long as the scope is open. */
export const runTicker = forkLoop(
  "the schedules",
  Effect.andThen(
    Effect.catch(tickOnce, (error) => Effect.logWarning("schedules could not be ticked", error.message)),
    Effect.sleep(Duration.millis(everyMs))
  )
)
