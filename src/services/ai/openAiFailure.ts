/**
 * Maps what the OpenAI SDK throws, and a failed Response object, to an {@link AiError}. Works by
 * code first, then by type, then by status, because gateways that imitate the API keep the status
 * and little else.
 */
import { APIConnectionTimeoutError, APIError, APIUserAbortError } from "openai"
import type { Duration } from "effect"
import type { AiErrorReason } from "./AiError.ts"
import {
  Aborted,
  AiError,
  ConfigError,
  PolicyBlocked,
  QuotaExhausted,
  RateLimited,
  Refused,
  Timeout,
  TokenLimit,
  Unauthorized,
  Unavailable
} from "./AiError.ts"
import { retryAfterOf } from "./rateLimitHeaders.ts"

const quotaCodes = new Set([
  "insufficient_quota",
  "credit_balance_exhausted",
  "organization_spend_limit_exceeded",
  "project_spend_limit_exceeded",
  "organization_usage_limit_exceeded",
  "billing_hard_limit_reached",
  "billing_not_active"
])
const blockedCodes = new Set([
  "moderation_blocked",
  "image_content_policy_violation",
  "content_policy_violation",
  "content_filter"
])
const refusedCodes = new Set(["invalid_prompt", "bio_policy", "misalignment_policy_violation"])
const contextWords = /context[_ ](?:length|window)|maximum context|too many tokens/i
const tooLargeWords = /request too large|reduce (?:your|the) (?:prompt|input|length)/i

interface Failure {
  readonly status: number
  readonly code: string
  readonly type: string
  readonly detail: string
  readonly retryAfter: Duration.Duration | undefined
}

const waits = (failure: Failure) => (failure.retryAfter === undefined ? {} : { retryAfter: failure.retryAfter })

/** Reasons that the provider names itself, whatever the status it sends them with. */
const byCode = ({ code, type, detail }: Failure): AiErrorReason | undefined => {
  const quota = [code, type].find((word) => quotaCodes.has(word))
  if (quota !== undefined) return new QuotaExhausted({ detail, code: quota })
  if (blockedCodes.has(code)) return new PolicyBlocked({ detail, code })
  if (refusedCodes.has(code)) return new Refused({ detail })
  if (code === "context_length_exceeded") return new TokenLimit({ detail, limit: "context" })
  return undefined
}

const byStatus = (failure: Failure): AiErrorReason => {
  const { status, detail } = failure
  switch (status) {
    case 401:
    case 403:
      return new Unauthorized({ detail, status })
    case 429:
      return tooLargeWords.test(detail)
        ? new TokenLimit({ detail, limit: "request" })
        : new RateLimited({ detail, ...waits(failure) })
    case 413:
      return new TokenLimit({ detail, limit: "request" })
    case 400:
      return contextWords.test(detail)
        ? new TokenLimit({ detail, limit: "context" })
        : new ConfigError({ detail, status })
    case 408:
    case 409:
      return new Unavailable({ detail, status, ...waits(failure) })
    default:
      return status >= 500
        ? new Unavailable({ detail, status, ...waits(failure) })
        : new ConfigError({ detail, status })
  }
}

const text = (value: unknown): string => (typeof value === "string" ? value : "")

/** The {@link AiError} of anything a call through the SDK rejected with. `nowMillis` resolves dates in retry-after. */
export const openAiFailure = (cause: unknown, nowMillis: number): AiError => {
  if (cause instanceof APIUserAbortError) return new AiError({ reason: new Aborted({ detail: cause.message }) })
  if (cause instanceof APIConnectionTimeoutError) return new AiError({ reason: new Timeout({ detail: cause.message }) })
  if (cause instanceof APIError && typeof cause.status === "number") {
    const failure: Failure = {
      status: cause.status,
      code: text(cause.code),
      type: text(cause.type),
      detail: cause.message,
      retryAfter: cause.headers === undefined ? undefined : retryAfterOf(cause.headers, nowMillis)
    }
    const requestId = text(cause.requestID)
    return new AiError({ reason: byCode(failure) ?? byStatus(failure), ...(requestId !== "" && { requestId }) })
  }
  // Refused and cut connections, bodies that end too early, bodies that are not JSON.
  const detail =
    cause instanceof Error ? [cause.message, text((cause.cause as Error | undefined)?.message)] : [String(cause)]
  return new AiError({ reason: new Unavailable({ detail: detail.filter((part) => part !== "").join(": ") }) })
}

/** The reason of a Response that came with 200 and `status: "failed"`. */
export const failedResponseReason = (error: { readonly code: string; readonly message: string }): AiErrorReason => {
  const failure: Failure = { status: 500, code: error.code, type: "", detail: error.message, retryAfter: undefined }
  const named = byCode(failure)
  if (named !== undefined) return named
  if (error.code === "rate_limit_exceeded") return new RateLimited({ detail: error.message })
  if (error.code === "server_error" || error.code === "vector_store_timeout")
    return new Unavailable({ detail: error.message })
  return new ConfigError({ detail: `${error.code}: ${error.message}` })
}
