/** Waits for a state, by looking often; fails with what it waited for when it does not come. */
import { Effect, Schedule } from "effect"

const everySome = Schedule.spaced("5 millis")

/** Looks every 5 ms of real time, for at most `seconds`. */
export const untilSo = <E, R>(
  what: string,
  isSo: Effect.Effect<boolean, E, R>,
  seconds = 15
): Effect.Effect<void, never, R> =>
  Effect.flatMap(isSo, (so) => (so ? Effect.void : Effect.fail("not yet"))).pipe(
    Effect.retry({ schedule: everySome, times: (seconds * 1_000) / 5 }),
    Effect.catch((error) => Effect.die(new Error(`waited ${seconds} s in vain: ${what} (${String(error)})`)))
  )

/** The same for a state that plain code can see. */
export const until = (what: string, isSo: () => boolean, seconds = 15): Effect.Effect<void> =>
  untilSo(what, Effect.sync(isSo), seconds)
