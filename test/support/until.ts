/** Waits for a state, by looking often; fails with what it waited for when it does not come. */
import { Effect, Schedule } from "effect"

const everySome = Schedule.spaced("5 millis")

/** Looks every 5 ms of real time, for at most `seconds`. */
export const until = (what: string, isSo: () => boolean, seconds = 15): Effect.Effect<void> =>
  Effect.suspend(() => (isSo() ? Effect.void : Effect.fail("not yet"))).pipe(
    Effect.retry({ schedule: everySome, times: (seconds * 1_000) / 5 }),
    Effect.catch(() => Effect.die(new Error(`waited ${seconds} s in vain: ${what}`)))
  )
