/** What came of many seeds: how much was played, which faults were made, which points were hit, and what broke. */
import type { Found } from "./shrink.ts"

export interface Broken {
  readonly seed: number
  readonly invariant: string
  readonly detail: string
}

export interface Tally {
  seeds: number
  steps: number
  lines: number
  virtualMs: number
  /** How often each kind of fault was made. */
  readonly faults: Record<string, number>
  /** How often each call to broker and journal was passed, and how often a fault hit it. */
  readonly points: Record<string, { passed: number; hit: number }>
  readonly broken: Array<Broken>
  /** Seeds that did not do the same again. */
  readonly unequal: Array<number>
}

export const emptyTally = (): Tally => ({
  seeds: 0,
  steps: 0,
  lines: 0,
  virtualMs: 0,
  faults: {},
  points: {},
  broken: [],
  unequal: []
})

/** What came of one run. */
export const tallyOf = ({ plan: { seed }, played, violations }: Found): Tally => ({
  seeds: 1,
  steps: played.steps,
  lines: played.history.length,
  virtualMs: played.virtualMs,
  faults: Object.fromEntries(played.faults),
  points: Object.fromEntries(played.points),
  broken: violations.map(({ invariant, detail }) => ({ seed, invariant, detail })),
  unequal: []
})

/** Counts the seeds of `other` in. */
export const add = (tally: Tally, other: Tally): void => {
  tally.seeds += other.seeds
  tally.steps += other.steps
  tally.lines += other.lines
  tally.virtualMs += other.virtualMs
  for (const [kind, times] of Object.entries(other.faults)) tally.faults[kind] = (tally.faults[kind] ?? 0) + times
  for (const [name, { passed, hit }] of Object.entries(other.points)) {
    const point = (tally.points[name] ??= { passed: 0, hit: 0 })
    point.passed += passed
    point.hit += hit
  }
  tally.broken.push(...other.broken)
  tally.unequal.push(...other.unequal)
}

const sorted = <A>(record: Readonly<Record<string, A>>): Readonly<Record<string, A>> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))

/** What is told of a run that took so many seconds. */
export const summaryOf = (tally: Tally, seconds: number) => ({
  seeds: tally.seeds,
  failed: new Set(tally.broken.map(({ seed }) => seed)).size,
  unequal: tally.unequal.length,
  seconds: Math.round(seconds),
  perSecond: Math.round(tally.seeds / seconds),
  faults: sorted(tally.faults),
  stepsPerSeed: Math.round(tally.steps / tally.seeds),
  linesPerSeed: Math.round(tally.lines / tally.seeds),
  virtualHours: Math.round(tally.virtualMs / 360_000) / 10,
  points: sorted(
    Object.fromEntries(Object.entries(tally.points).map(([name, { passed, hit }]) => [name, `${hit}/${passed}`]))
  )
})
