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

const cronOf = (timing: Extract<Timing, { readonly kind: "cron" }>): Cron.Cron | undefined =>
  Result.getOrUndefined(Cron.parse(timing.expression, timing.timeZone))

/** An expression may name a day that no year has (30 February): then the search gives up by throwing. */
const found = (search: () => Date): number | null => {
  try {
    return search().getTime()
  } catch {
    return null
  }
}

/**
 * The first tick after `after` (ms), or null when there is none; also for an
 * expression that is none, and for one that names a day that never comes.
 */
export const nextTick = (timing: Timing, after: number): number | null => {
  switch (timing.kind) {
    case "at":
      return timing.at > after ? timing.at : null
    case "every": {
      if (!(timing.everyMs > 0)) return null
      const passed = Math.floor((after - timing.from) / timing.everyMs) + 1
      return timing.from + Math.max(0, passed) * timing.everyMs
    }
    case "cron": {
      const cron = cronOf(timing)
      return cron === undefined ? null : found(() => Cron.next(cron, new Date(after)))
    }
  }
}

/** The last tick before `before` (ms), or null when there is none. */
const tickBefore = (timing: Timing, before: number): number | null => {
  switch (timing.kind) {
    case "at":
      return timing.at < before ? timing.at : null
    case "every": {
      const passed = Math.ceil((before - timing.from) / timing.everyMs) - 1
      return passed >= 0 ? timing.from + passed * timing.everyMs : null
    }
    case "cron": {
      const cron = cronOf(timing)
      return cron === undefined ? null : found(() => Cron.prev(cron, new Date(before)))
    }
  }
}

/** How far back "all" reaches, so that a schedule of seconds after a month asleep cannot flood its topic. */
const mostMissed = 1_000

/**
 * The ticks of `schedule` that are due at `now`, oldest first, and the schedule
 * as it stands after them. A tick is late when it is older than `graceMs`. They
 * are sought backwards from `now`: a long sleep costs no more than a short one.
 */
export const dueTicks = (
  schedule: Schedule,
  now: number,
  graceMs: number
): { readonly ticks: ReadonlyArray<number>; readonly after: Schedule } => {
  const { timing, nextAt } = schedule
  if (nextAt === null || nextAt > now) return { ticks: [], after: schedule }
  const most = schedule.misfire === "once" ? 1 : mostMissed
  const all: Array<number> = []
  let at = tickBefore(timing, now + 1)
  while (at !== null && at > nextAt && all.length < most) {
    all.push(at)
    at = tickBefore(timing, at)
  }
  if (all.length < most) all.push(nextAt)
  all.reverse()
  const ticks = schedule.misfire === "skip" ? all.filter((tick) => tick > now - graceMs) : all
  return { ticks, after: { ...schedule, nextAt: nextTick(timing, now), lastAt: all.at(-1)! } }
}
