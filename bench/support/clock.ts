/** One clock for all processes of a run. */

/** Milliseconds of the machine's monotonic clock: the same in every process. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6
