/**
 * How far another clock is ahead of one's own, told by questions whose way took
 * some time: the answer was made somewhere between, so what is known is never
 * better than half of that. Of several looks the best counts, until clocks may
 * have drifted apart by more than another look would be off.
 */

export interface ClockOffset {
  /** The other clock less one's own, ms. */
  readonly ahead: number
  /** It may be so much more or less, ms. */
  readonly offBy: number
}

/** Clocks of computers drift apart by less than this (100 ppm). */
const drift = 1e-4

/** By one question, asked and answered by one's own clock, and what the other said. */
export const offsetOf = (asked: number, answered: number, said: number): ClockOffset => ({
  ahead: said - (asked + answered) / 2,
  offBy: (answered - asked) / 2
})

/** What is known after another look, `sinceMs` after the last one. One that contradicts was set meanwhile, and counts. */
export const refined = (known: ClockOffset, seen: ClockOffset, sinceMs: number): ClockOffset => {
  const offBy = known.offBy + sinceMs * drift
  const wasSet = Math.abs(seen.ahead - known.ahead) > offBy + seen.offBy
  return wasSet || seen.offBy <= offBy ? seen : { ahead: known.ahead, offBy }
}
