/** What a failed call to Telegram means for the task that made it. */
import { Clock, Effect } from "effect"
import { delay, fail, retry } from "../domain/Outcome.ts"
import type { Outcome } from "../domain/Outcome.ts"
import type { TelegramError } from "../services/telegram/TelegramError.ts"

/** How long a task waits for an operator to see to the account before it asks again. */
const operatorMs = 5 * 60_000

/** Telegram counts in whole seconds: one more is never too early. */
const graceMs = 1_000

/** Floods, and an account that only its owner can mend, are waited for and cost no attempt; the rest is tried again or not. */
export const explainTelegram = (error: TelegramError): Effect.Effect<Outcome> =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    if (error.waitSeconds !== undefined) return delay(error.message, now + error.waitSeconds * 1000 + graceMs)
    const { _tag } = error.reason
    if (_tag === "AccountDead" || _tag === "AccountRestricted") {
      return delay(`waits for the operator: ${error.message}`, now + operatorMs)
    }
    return error.isRetryable ? retry(error.message) : fail(error.message)
  })
