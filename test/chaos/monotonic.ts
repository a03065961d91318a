/** The clock that all processes of a drill share and that nobody sets, ms. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6
