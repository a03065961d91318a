/**
 * Scripted misbehaviour of the sandbox model: which route fails, how, how often, and after how many
 * good answers. Rules are consumed in the order they were added.
 */

/** The routes a rule can name. */
export type ModelRoute = "responses" | "images" | "chat" | "models"

/** The ways a call can go wrong. */
export type FaultKind =
  | "rate_limit"
  | "foreign_rate_limit"
  | "request_too_large"
  | "insufficient_quota"
  | "context_length"
  | "unauthorized"
  | "forbidden"
  | "server_error"
  | "overloaded"
  | "bad_gateway"
  | "failed_response"
  | "refusal"
  | "truncated"
  | "content_filter"
  | "moderation_blocked"
  | "invalid_json"
  | "not_finite"
  | "schema_mismatch"
  | "empty"
  | "cut_before"
  | "cut_midway"
  | "silent"

/** One rule. */
export interface FaultRule {
  readonly route: ModelRoute
  readonly kind: FaultKind
  /** How many requests it hits. */
  readonly times: number
  /** How many requests of the route it lets through first; none by default. */
  readonly after?: number
  /** Seconds for `retry-after` (and, in milliseconds, `retry-after-ms`); 1 by default. */
  readonly retryAfterSeconds?: number
}

/** The rules still to come. */
export interface FaultScript {
  readonly add: (rule: FaultRule) => void
  readonly clear: () => void
  /** The rule that hits the next request of a route, counted as used. */
  readonly take: (route: ModelRoute) => FaultRule | undefined
}

/** An empty script. */
export const makeFaultScript = (): FaultScript => {
  const rules: Array<{ rule: FaultRule; wait: number; left: number }> = []
  return {
    add: (rule) => {
      rules.push({ rule, wait: rule.after ?? 0, left: rule.times })
    },
    clear: () => {
      rules.length = 0
    },
    take: (route) => {
      const entry = rules.find((candidate) => candidate.rule.route === route && candidate.left > 0)
      if (entry === undefined) return undefined
      if (entry.wait > 0) {
        entry.wait--
        return undefined
      }
      entry.left--
      return entry.rule
    }
  }
}
