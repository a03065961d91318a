/**
 * Takes in events: the event's row and its record in one transaction (in one
 * statement where that can be), many callers' events together. One transaction
 * is under way at a time; whoever comes meanwhile is in the next, so the disk
 * is asked once for all of them.
 */
import { Clock, Deferred, Effect, Layer } from "effect"
import { Broker } from "../broker/Broker.ts"
import type { BrokerError } from "../broker/BrokerError.ts"
import type { OutgoingRecord } from "../broker/Record.ts"
import { makeSignal } from "../broker/Signal.ts"
import { headersOf } from "../domain/Envelope.ts"
import { keyOf } from "../domain/Task.ts"
import { Journal } from "../journal/Journal.ts"
import type { Acceptance, NewEvent } from "../journal/Journal.ts"
import { EventIntake } from "../journal/EventIntake.ts"
import type { CheckedEvent } from "../journal/EventIntake.ts"
import { JournalError, JournalUnavailable } from "../journal/JournalError.ts"
import { forkLoop } from "./forkLoop.ts"

interface Pending {
  readonly events: ReadonlyArray<CheckedEvent>
  readonly answer: Deferred.Deferred<ReadonlyArray<Acceptance>, JournalError>
}

/** Most events in one transaction (a call with more is not split). */
const batchLimit = 1_000

/**
 * So long after the beginning of one transaction the next one begins at the soonest, ms. A transaction costs as much
 * for ten events as for one; whoever posts after a pause waits for nothing.
 */
const paceMs = 4

const encoder = new TextEncoder()

/** Id of the schedule that starts an event later; the ticker makes the event's record of it. */
export const laterIdOf = (event: string): string => `event:${event}`

const recordOf = (event: CheckedEvent, now: number): OutgoingRecord => ({
  topic: event.topic,
  key: keyOf(event.user),
  value: encoder.encode(event.data),
  headers: headersOf({
    id: event.id,
    type: event.type,
    source: "/postroom/api",
    time: now,
    flow: event.id,
    priority: event.priority
  })
})

/** Whether its record is to be written now; a schedule starts the others. */
const isDue = ({ at }: CheckedEvent, now: number): boolean => at === null || at <= now

const asJournalError = (error: BrokerError): JournalError =>
  new JournalError({ operation: "accept events", reason: new JournalUnavailable({ detail: error.message }) })

const make = Effect.gen(function* () {
  const journal = yield* Journal
  const broker = yield* Broker
  const bell = makeSignal()
  let pending: Array<Pending> = []

  const keep = Effect.fnUntraced(function* (fresh: ReadonlyArray<NewEvent>) {
    const now = yield* Clock.currentTimeMillis
    const events = fresh as ReadonlyArray<CheckedEvent>
    const later = events.filter((event) => !isDue(event, now))
    const records = events.filter((event) => isDue(event, now)).map((event) => recordOf(event, now))
    if (records.length > 0) {
      yield* Effect.mapError(broker.handOver(records), asJournalError)
    }
    for (const event of later) {
      yield* journal.putSchedule({
        id: laterIdOf(event.id),
        topic: event.topic,
        user: event.user,
        type: event.type,
        data: event.data,
        timing: { kind: "at", at: event.at! },
        misfire: "once",
        paused: false,
        nextAt: event.at,
        lastAt: null
      })
    }
  })

  const clock = yield* Clock.Clock

  /** Whether nothing but an event that is known already can stand against writing all of them in one statement. */
  const isPlain = (events: ReadonlyArray<CheckedEvent>, now: number): boolean =>
    events.every((event) => isDue(event, now)) && new Set(events.map((event) => event.id)).size === events.length

  const { acceptance } = journal
  const take = (events: ReadonlyArray<CheckedEvent>): Effect.Effect<ReadonlyArray<Acceptance>, JournalError> => {
    const carefully = journal.accept(events, keep)
    const now = clock.currentTimeMillisUnsafe()
    if (acceptance === null || !isPlain(events, now)) return carefully
    const records = events.map((event) => recordOf(event, now))
    return broker.handOver(records, acceptance(events)).pipe(
      Effect.map(() => events.map((): Acceptance => "accepted")),
      // Refused as a whole, so nothing is written: one of them is known, or cannot be kept, and that is told then.
      Effect.catch((error) => (error.isRetryable ? Effect.fail(asJournalError(error)) : carefully))
    )
  }

  let begunAt = 0

  const round = Effect.gen(function* () {
    if (pending.length === 0) return yield* bell.wait
    const early = begunAt + paceMs - clock.currentTimeMillisUnsafe()
    // Of a clock that went back by an hour, no caller waits for an hour.
    if (early > 0) yield* Effect.sleep(Math.min(early, paceMs))
    begunAt = clock.currentTimeMillisUnsafe()
    let count = 0
    let taken = 0
    while (taken < pending.length && (taken === 0 || count + pending[taken]!.events.length <= batchLimit)) {
      count += pending[taken++]!.events.length
    }
    const batch = pending.slice(0, taken)
    pending = pending.slice(taken)
    const exit = yield* Effect.exit(take(batch.flatMap(({ events }) => events)))
    let from = 0
    for (const { events, answer } of batch) {
      const to = from + events.length
      const slice = [from, to] as const
      Deferred.doneUnsafe(
        answer,
        Effect.map(exit, (all) => all.slice(...slice))
      )
      from = to
    }
  })
  yield* forkLoop("the taking in of events", round)

  return EventIntake.of({
    submit: (events) =>
      Effect.suspend(() => {
        const answer = Deferred.makeUnsafe<ReadonlyArray<Acceptance>, JournalError>()
        pending.push({ events, answer })
        bell.ring()
        return Deferred.await(answer)
      })
  })
})

/** Event intake of this process. */
export const layer = Layer.effect(EventIntake, make)
