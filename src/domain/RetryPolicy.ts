/**
 * When a failed attempt is tried again. Exponential backoff with full jitter
 * kept above half the step, so that retries of many tasks spread out but never
 * come earlier than half the wait they were promised.
 */

export interface RetryPolicy {
  /** How many attempts a task has in all, the first included (≥ 1). */
  readonly attempts: number
  /** Wait before the second attempt, ms; doubled for each one after it. */
  readonly backoffMs: number
  /** The longest wait, ms. */
  readonly capMs: number
  /** What a key does when its head task has used all attempts: go on with the next, or wait for an operator. */
  readonly onExhausted: "skip" | "block"
}

export const defaultRetryPolicy: RetryPolicy = { attempts: 4, backoffMs: 1_000, capMs: 60_000, onExhausted: "skip" }

/**
 * Wait in ms before the attempt that follows `failed` failed ones (≥ 1).
 * `chance` is a number in [0, 1) drawn by the caller.
 */
export const backoffOf = (policy: RetryPolicy, failed: number, chance: number): number => {
  const step = Math.min(policy.capMs, policy.backoffMs * 2 ** Math.min(failed - 1, 30))
  return Math.round(step / 2 + (step / 2) * chance)
}

/** Whether a task that has failed `failed` times may be tried again. */
export const mayRetry = (policy: RetryPolicy, failed: number): boolean => failed < policy.attempts
