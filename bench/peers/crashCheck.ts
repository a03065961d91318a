/**
 * What the lines of a crash run say, whoever ran it: acknowledged tasks that
 * never ended, tasks that ended twice, starts that broke their user's order,
 * and how long it took after each kill until work went on.
 */
import { quantile } from "../support/Figures.ts"
import type { JobEvent } from "../support/JobEvents.ts"

/** Counts of one run; times are ms. */
export interface Verdict {
  readonly acknowledged: number
  readonly lost: number
  readonly endedTwice: number
  readonly startedTwice: number
  /** Starts of a task while an earlier one of the same user had not ended, or after a later one had started. */
  readonly outOfOrder: number
  readonly interrupted: number
  readonly firstAgainP50: number
  readonly firstAgainMax: number
  /** From the kill until the last of the tasks it had cut off ran again; -1: never. */
  readonly cutOffAgainP50: number
  readonly cutOffAgainMax: number
}

/** The middle one by rank; -1 of none. */
const middle = (values: ReadonlyArray<number>): number =>
  values.length === 0
    ? -1
    : quantile(
        [...values].sort((a, b) => a - b),
        0.5
      )
const round = (ms: number) => Math.round(ms)

/** `posted` and `events` in the order of their times. */
export const check = (
  posted: ReadonlyArray<JobEvent>,
  events: ReadonlyArray<JobEvent>,
  killedAt: ReadonlyArray<number>
): Verdict => {
  const starts = new Map<number, number>()
  const ends = new Map<number, number>()
  const ended = new Map<string, Set<number>>()
  const latest = new Map<string, number>()
  let outOfOrder = 0
  for (const { kind, n, user, seq } of events) {
    const done = ended.get(user) ?? new Set<number>()
    ended.set(user, done)
    if (kind === "E") {
      ends.set(n, (ends.get(n) ?? 0) + 1)
      done.add(seq)
      continue
    }
    starts.set(n, (starts.get(n) ?? 0) + 1)
    // A task that runs again after a kill is in order where all before it had ended and none after it had begun.
    const later = (latest.get(user) ?? -1) > seq
    const earlierOpen = seq > 0 && !done.has(seq - 1)
    if (later || earlierOpen) outOfOrder++
    latest.set(user, Math.max(latest.get(user) ?? -1, seq))
  }
  const again: Array<number> = []
  const cutOff: Array<number> = []
  let interrupted = 0
  for (const killed of killedAt) {
    const open = new Set<number>()
    for (const { kind, n, at } of events) {
      if (at > killed) break
      if (kind === "S") open.add(n)
      else open.delete(n)
    }
    interrupted += open.size
    const first = events.find(({ kind, at }) => kind === "S" && at > killed)
    if (first !== undefined) again.push(first.at - killed)
    const back = [...open].map((n) => events.find((e) => e.n === n && e.kind === "S" && e.at > killed)?.at)
    if (open.size > 0) cutOff.push(back.includes(undefined) ? -1 : Math.max(...back.map((at) => at! - killed)))
  }
  const never = cutOff.filter((ms) => ms < 0).length
  return {
    acknowledged: posted.length,
    lost: posted.filter(({ n }) => !ends.has(n)).length,
    endedTwice: [...ends.values()].filter((count) => count > 1).length,
    startedTwice: [...starts.values()].filter((count) => count > 1).length,
    outOfOrder,
    interrupted,
    firstAgainP50: round(middle(again)),
    firstAgainMax: round(Math.max(-1, ...again)),
    cutOffAgainP50: never * 2 > cutOff.length ? -1 : round(middle(cutOff.filter((ms) => ms >= 0))),
    cutOffAgainMax: never > 0 ? -1 : round(Math.max(-1, ...cutOff))
  }
}
