/**
 * Answers of the model API that are errors, in the words and the shape OpenAI uses:
 * `{ error: { message, type, param, code } }`. Source: platform.openai.com/docs/guides/error-codes.
 */
import type { FaultKind, FaultRule } from "./FaultScript.ts"

/** An HTTP answer: status, extra headers and a JSON body, or raw text for gateways that send HTML. */
export interface ModelAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
}

/** An error answer of the API. */
export const modelError = (
  status: number,
  message: string,
  rest: { readonly type?: string; readonly param?: string | null; readonly code?: string | null } = {},
  headers: Readonly<Record<string, string>> = {}
): ModelAnswer => ({
  status,
  headers,
  body: {
    error: { message, type: rest.type ?? "invalid_request_error", param: rest.param ?? null, code: rest.code ?? null }
  }
})

const limited = (seconds: number): Readonly<Record<string, string>> => ({
  "retry-after": String(Math.ceil(seconds)),
  "retry-after-ms": String(Math.round(seconds * 1000)),
  "x-ratelimit-limit-requests": "500",
  "x-ratelimit-remaining-requests": "0",
  "x-ratelimit-reset-requests": `${seconds}s`
})

const faults: Partial<Record<FaultKind, (rule: FaultRule) => ModelAnswer>> = {
  rate_limit: ({ retryAfterSeconds = 1 }) =>
    modelError(
      429,
      `Rate limit reached on requests per min (RPM): Limit 500, Used 500, Requested 1. Please try again in ${retryAfterSeconds}s.`,
      { type: "requests", code: "rate_limit_exceeded" },
      limited(retryAfterSeconds)
    ),
  // A gateway's own limiter (LiteLLM): a number for a code and no header that says how long.
  foreign_rate_limit: () =>
    modelError(429, "No deployments available for selected model. Try again later.", {
      type: "throttling_error",
      code: "429"
    }),
  request_too_large: () =>
    modelError(
      429,
      "Request too large on tokens per min (TPM): Limit 30000, Requested 41200. The input or output tokens must be reduced.",
      {
        type: "tokens",
        code: "rate_limit_exceeded"
      }
    ),
  insufficient_quota: () =>
    modelError(429, "You exceeded your current quota, please check your plan and billing details.", {
      type: "insufficient_quota",
      code: "insufficient_quota"
    }),
  context_length: () =>
    modelError(400, "Your input exceeds the context window of this model. Please adjust your input and try again.", {
      param: "input",
      code: "context_length_exceeded"
    }),
  unauthorized: () => invalidKey("revoked"),
  forbidden: () =>
    modelError(403, "Country, region, or territory not supported", {
      type: "request_forbidden",
      code: "unsupported_country_region_territory"
    }),
  server_error: () =>
    modelError(500, "The server had an error while processing your request. Sorry about that!", {
      type: "server_error",
      code: "server_error"
    }),
  overloaded: ({ retryAfterSeconds }) =>
    modelError(
      503,
      "Our servers are currently overloaded. Please try again later.",
      { type: "server_error", code: "server_is_overloaded" },
      retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }
    ),
  bad_gateway: () => ({
    status: 502,
    headers: { "content-type": "text/html" },
    body: "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
  }),
  moderation_blocked: () =>
    modelError(400, "Your request was rejected by the safety system.", {
      type: "image_generation_user_error",
      code: "moderation_blocked"
    })
}

/** The answer of a fault that is an error answer; undefined for faults that spoil a good answer or cut the line. */
export const faultAnswer = (rule: FaultRule): ModelAnswer | undefined => faults[rule.kind]?.(rule)

/** 401 for a wrong key, which is shown only in part. */
export const invalidKey = (key: string): ModelAnswer =>
  modelError(
    401,
    `Incorrect API key provided: ${key.slice(0, 3)}***. You can find your API key in your account settings.`,
    {
      code: "invalid_api_key"
    }
  )

/** 404 for a path the API does not have. */
export const unknownUrl = (method: string, path: string): ModelAnswer =>
  modelError(404, `Invalid URL (${method} ${path})`)

/** 404 for a model nobody offers. */
export const unknownModel = (model: string): ModelAnswer =>
  modelError(404, `The model \`${model}\` does not exist or you do not have access to it.`, { code: "model_not_found" })

/** 400 for a parameter that is missing. */
export const missingParameter = (param: string): ModelAnswer =>
  modelError(400, `Missing required parameter: '${param}'.`, { param, code: "missing_required_parameter" })

/** 400 for a parameter whose value or type is wrong. */
export const invalidParameter = (param: string, why: string, code = "invalid_value"): ModelAnswer =>
  modelError(400, `Invalid value for '${param}': ${why}.`, { param, code })
