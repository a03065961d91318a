/** What a scenario measured: one line of the report. */

export interface Figures {
  readonly scenario: string
  /** Which of the scenario's cases: its size, its setting. */
  readonly variant: string
  readonly broker: "postgres" | "kafka"
  readonly tasks?: number
  readonly seconds?: number
  readonly tasksPerSecond?: number
  readonly p50Ms?: number
  readonly p95Ms?: number
  readonly p99Ms?: number
  /** Peak resident memory of the Node process that does the work. */
  readonly rssMb?: number
  /** CPU of that process and of every Postgres process, per task. */
  readonly cpuMsPerTask?: number
  readonly [extra: string]: string | number | undefined
}

/** Rounds to `digits` behind the point. */
export const round = (value: number, digits = 1): number => Math.round(value * 10 ** digits) / 10 ** digits

/** The value at a share (0 to 1) of sorted numbers, by the nearest rank. */
export const quantile = (sorted: ReadonlyArray<number>, share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN

/** p50, p95 and p99 of numbers in any order. */
export const quantiles = (values: ReadonlyArray<number>) => {
  const sorted = [...values].sort((a, b) => a - b)
  return {
    p50Ms: round(quantile(sorted, 0.5), 2),
    p95Ms: round(quantile(sorted, 0.95), 2),
    p99Ms: round(quantile(sorted, 0.99), 2)
  }
}
