/** Time that nobody sets, for how long something takes: a clock that is put forward must not end what runs as late. */
import type { Clock } from "effect"

/** Milliseconds since some moment before the process. */
export const monotonicMs = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
