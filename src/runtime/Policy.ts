/** How a queue runs its tasks: what an actor's author chose, after the environment has had its say. */
import type { Priority } from "../domain/Outcome.ts"
import { defaultRetryPolicy } from "../domain/RetryPolicy.ts"
import type { RetryPolicy } from "../domain/RetryPolicy.ts"
import type { Rate } from "./RateLimit.ts"

export interface Policy {
  /** Most tasks of this queue that run at a time in one process. */
  readonly concurrency: number
  readonly retry: RetryPolicy
  /** How long an attempt may take, ms. */
  readonly timeoutMs: number
  /** Most starts per time in one process; null for no limit. */
  readonly rate: Rate | null
  /** The queue's place among the others of the process. */
  readonly priority: Priority
}

export const defaultPolicy: Policy = {
  concurrency: 100,
  retry: defaultRetryPolicy,
  timeoutMs: 60_000,
  rate: null,
  priority: "medium"
}
