/**
 * When a schedule fires: at an instant, at an interval, or by cron in a time
 * zone. Each tick has a deterministic id, so a tick that was emitted twice by
 * a crash is one task.
 */
import { Cron, Result } from "effect"

export type Timing =
  | { readonly kind: "at"; readonly at: number }
  | { readonly kind: "every"; readonly everyMs: number; readonly from: number }
  | { readonly kind: "cron"; readonly expression: string; readonly timeZone: string }

/** What happens to ticks that were due while nobody ran: drop them, run one for all, or run each. */
export type Misfire = "skip" | "once" | "all"

export interface Schedule {
  readonly id: string
  readonly topic: string
  /** Key of the records it emits, as text. */
  readonly user: string | null
  readonly type: string
  /** Value of the records it emits, as JSON. */
  readonly data: string
  readonly timing: Timing
  readonly misfire: Misfire
  readonly paused: boolean
  /** ms since the epoch; null when there is no further tick. */
  readonly nextAt: number | null
  readonly lastAt: number | null
}

/** The first tick after `after` (ms), or null when there is none. Undefined for a cron expression that is none. */
export const nextTick = (timing: Timing, after: number): number | null => {
  switch (timing.kind) {
    case "at":
      return timing.at > after ? timing.at : null
    case "every": {
      const passed = Math.floor((after - timing.from) / timing.everyMs) + 1
      return timing.from + Math.max(0, passed) * timing.everyMs
    }
    case "cron": {
      const cron = Cron.parse(timing.expression, timing.timeZone)
      return Result.isSuccess(cron) ? Cron.next(cron.success, new Date(after)).getTime() : null
    }
  }
}

/** How far back "all" reaches, so that a schedule of seconds after a month asleep cannot flood its topic. */
const mostMissed = 1_000

/**
 * The ticks of `schedule` that are due at `now`, oldest first, and the schedule
 * as it stands after them. A tick is late when it is older than `graceMs`.
 */
export const dueTicks = (
  schedule: Schedule,
  now: number,
  graceMs: number
): { readonly ticks: ReadonlyArray<number>; readonly after: Schedule } => {
  const all: Array<number> = []
  let at = schedule.nextAt
  while (at !== null && at <= now) {
    all.push(at)
    if (all.length > mostMissed) all.shift()
    at = nextTick(schedule.timing, at)
  }
  if (all.length === 0) return { ticks: [], after: schedule }
  const last = all.at(-1)!
  const fresh = all.filter((tick) => tick > now - graceMs)
  const ticks = schedule.misfire === "all" ? all : schedule.misfire === "once" ? [last] : fresh
  return { ticks, after: { ...schedule, nextAt: at, lastAt: last } }
}
