/** What a failed call to a model means for the task that made it. */
import { Clock, Duration, Effect } from "effect"
import { delay, fail, retry } from "../domain/Outcome.ts"
import type { Outcome } from "../domain/Outcome.ts"
import type { AiError } from "../services/ai/AiError.ts"

/** How long a task waits for an operator to see to credit, key or configuration before it asks again. */
const operatorMs = 5 * 60_000
/** The wait for a rate limit that names none. */
const rateMs = 5_000

/** Rate limits and what only an operator can mend are waited for and cost no attempt; the rest is tried again or not. */
export const explainAi = (error: AiError): Effect.Effect<Outcome> =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const { reason } = error
    if (reason._tag === "RateLimited") {
      return delay(
        error.message,
        now + (reason.retryAfter === undefined ? rateMs : Duration.toMillis(reason.retryAfter))
      )
    }
    if (error.needsOperator) return delay(`waits for the operator: ${error.message}`, now + operatorMs)
    if (!error.isRetryable) return fail(error.message)
    return retry(
      error.message,
      reason._tag === "Unavailable" && reason.retryAfter !== undefined
        ? Duration.toMillis(reason.retryAfter)
        : undefined
    )
  })
