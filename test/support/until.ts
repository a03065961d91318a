/** Waits for a state, by looking often; fails with what it waited for when it does not come. */
import { Effect } from "effect"

const looksAheadMs = 5

/** Looks every 5 ms of real time, for at most `seconds`. */
export const untilSo = <E, R>(
  what: string,
  isSo: Effect.Effect<boolean, E, R>,
  seconds = 15
): Effect.Effect<void, never, R> =>
  Effect.suspend(() => {
    const end = Date.now() + seconds * 1_000
    const look: Effect.Effect<void, never, R> = Effect.flatMap(Effect.exit(isSo), (exit) => {
      if (exit._tag === "Success" && exit.value) return Effect.void
      if (Date.now() < end) return Effect.andThen(Effect.sleep(looksAheadMs), look)
      const last = exit._tag === "Success" ? "not yet" : String(exit.cause)
      return Effect.die(new Error(`waited ${seconds} s in vain: ${what} (${last})`))
    })
    return look
  })

/** The same for a state that plain code can see. */
export const until = (what: string, isSo: () => boolean, seconds = 15): Effect.Effect<void> =>
  untilSo(what, Effect.sync(isSo), seconds)
