/**
 * Reads how long a provider asks us to wait and what is left of the rate, from the headers OpenAI
 * documents and from those a proxy in between leaves behind.
 */
import { Duration } from "effect"
import type { RateLimits } from "./Ai.ts"

interface HeaderReader {
  readonly get: (name: string) => string | null
}

const unitMillis: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `1s`, `6m0s`, `120ms`, `1h2m3.5s` as `x-ratelimit-reset-*` write them; undefined for anything else. */
export const parseResetDuration = (text: string | null): Duration.Duration | undefined => {
  if (text === null || !/^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/.test(text)) return undefined
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)]
  return Duration.millis(parts.reduce((sum, part) => sum + Number(part[1]) * (unitMillis[part[2] ?? ""] ?? 0), 0))
}

const count = (text: string | null): number | undefined =>
  text !== null && /^\d+$/.test(text) ? Number(text) : undefined

/** What the `x-ratelimit-*` headers of an answer say; fields they do not give are absent. */
export const rateLimitsOf = (headers: HeaderReader): RateLimits => {
  const remainingRequests = count(headers.get("x-ratelimit-remaining-requests"))
  const remainingTokens = count(headers.get("x-ratelimit-remaining-tokens"))
  const resetRequests = parseResetDuration(headers.get("x-ratelimit-reset-requests"))
  const resetTokens = parseResetDuration(headers.get("x-ratelimit-reset-tokens"))
  return {
    ...(remainingRequests !== undefined && { remainingRequests }),
    ...(remainingTokens !== undefined && { remainingTokens }),
    ...(resetRequests !== undefined && { resetRequests }),
    ...(resetTokens !== undefined && { resetTokens })
  }
}

/** Seconds or an HTTP date (RFC 9110 §10.2.3), as a wait from `nowMillis`. */
const parseRetryAfter = (text: string | null, nowMillis: number): Duration.Duration | undefined => {
  if (text === null) return undefined
  if (/^\d+(?:\.\d+)?$/.test(text)) return Duration.millis(Number(text) * 1000)
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Duration.millis(Math.max(0, at - nowMillis))
}

/**
 * How long to wait before the next request: `retry-after-ms`, `retry-after`, the upstream's
 * `retry-after` as LiteLLM passes it on, else the reset of a rate that is used up. Undefined when
 * nothing says it.
 */
export const retryAfterOf = (headers: HeaderReader, nowMillis: number): Duration.Duration | undefined => {
  const millis = headers.get("retry-after-ms")
  if (millis !== null && /^\d+(?:\.\d+)?$/.test(millis)) return Duration.millis(Number(millis))
  const asked =
    parseRetryAfter(headers.get("retry-after"), nowMillis) ??
    parseRetryAfter(headers.get("llm_provider-retry-after"), nowMillis)
  if (asked !== undefined) return asked
  const limits = rateLimitsOf(headers)
  const resets = [
    limits.remainingRequests === 0 ? limits.resetRequests : undefined,
    limits.remainingTokens === 0 ? limits.resetTokens : undefined
  ].filter((reset) => reset !== undefined)
  return resets.length === 0 ? undefined : resets.reduce((a, b) => Duration.max(a, b))
}
