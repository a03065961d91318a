/**
 * Every way a call to a language or image model can fail, as one tagged error with a closed set of
 * reasons. Actors decide by the reason (retry, wait, ask the operator, tell the user), never by a
 * status code or by the words of a provider.
 */
import { Schema } from "effect"

const retryAfter = Schema.optionalKey(Schema.DurationFromMillis)

/** The key or the model is over its rate for now. `retryAfter` is what the provider asked for, if it said. */
export class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", {
  detail: Schema.String,
  retryAfter
}) {
  readonly isRetryable = true
  readonly needsOperator = false
}

/** Credit or a spending limit is used up: waiting does not help, somebody has to pay or raise the limit. */
export class QuotaExhausted extends Schema.TaggedError<QuotaExhausted>()("QuotaExhausted", {
  detail: Schema.String,
  code: Schema.String
}) {
  readonly isRetryable = false
  readonly needsOperator = true
}

/** The key is wrong, revoked, or may not use this model, project or country (401 and 403). */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", {
  detail: Schema.String,
  status: Schema.Int
}) {
  readonly isRetryable = false
  readonly needsOperator = true
}

/** The provider or the way to it is down: 408, 409, 5xx, refused and cut connections. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", {
  detail: Schema.String,
  status: Schema.optionalKey(Schema.Int),
  retryAfter
}) {
  readonly isRetryable = true
  readonly needsOperator = false
}

/** No complete answer within the time allowed. The provider may have done (and billed) the work. */
export class Timeout extends Schema.TaggedError<Timeout>()("Timeout", { detail: Schema.String }) {
  readonly isRetryable = true
  readonly needsOperator = false
}

/**
 * Too many tokens. `context`: the input does not fit the model; `request`: one request is larger
 * than the key's rate allows at all; `output`: the answer was cut at `maxOutputTokens` (the caller
 * may try once more with a higher limit).
 */
export class TokenLimit extends Schema.TaggedError<TokenLimit>()("TokenLimit", {
  detail: Schema.String,
  limit: Schema.Literals(["context", "request", "output"])
}) {
  readonly isRetryable = false
  readonly needsOperator = false
}

/** The answer is not JSON or does not satisfy the schema. `detail` is meant to go back to the model as feedback. */
export class InvalidJson extends Schema.TaggedError<InvalidJson>()("InvalidJson", { detail: Schema.String }) {
  readonly isRetryable = true
  readonly needsOperator = false
}

/** The model declined to answer this input. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", { detail: Schema.String }) {
  readonly isRetryable = false
  readonly needsOperator = false
}

/** A filter of the provider stopped the prompt or the answer. An image prompt may be softened once. */
export class PolicyBlocked extends Schema.TaggedError<PolicyBlocked>()("PolicyBlocked", {
  detail: Schema.String,
  code: Schema.String
}) {
  readonly isRetryable = false
  readonly needsOperator = false
}

/** The call was aborted from our side without the fiber being interrupted (shutdown of the client). */
export class Aborted extends Schema.TaggedError<Aborted>()("Aborted", { detail: Schema.String }) {
  readonly isRetryable = true
  readonly needsOperator = false
}

/** The request itself is wrong for this provider: unknown model, bad parameter, a schema strict mode cannot hold. */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", {
  detail: Schema.String,
  status: Schema.optionalKey(Schema.Int)
}) {
  readonly isRetryable = false
  readonly needsOperator = true
}

/** The closed set of reasons of an {@link AiError}. */
export const AiErrorReason = Schema.Union([
  RateLimited,
  QuotaExhausted,
  Unauthorized,
  Unavailable,
  Timeout,
  TokenLimit,
  InvalidJson,
  Refused,
  PolicyBlocked,
  Aborted,
  ConfigError
])
export type AiErrorReason = typeof AiErrorReason.Type

/** A failed call to a model. `requestId` is the provider's own id of the request, for its support. */
export class AiError extends Schema.TaggedError<AiError>()("AiError", {
  reason: AiErrorReason,
  requestId: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return `${this.reason.name}: ${this.reason.detail}`
  }
  /** Whether the same call may succeed later without anybody changing anything. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  /** Whether the whole queue should pause until the operator has acted (credit, key, configuration). */
  get needsOperator(): boolean {
    return this.reason.needsOperator
  }
}
