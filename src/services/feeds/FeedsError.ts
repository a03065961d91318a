/** The ways reading a feed or a channel's web page can fail, as one tagged error with a closed set of reasons. */
import { Schema } from "effect"
import { SafeFetchReason } from "../web/SafeFetchError.ts"

const fields = { url: Schema.String, detail: Schema.String }
const status = Schema.Int

/** 404, 410, or a channel without a public page: nothing is there and nothing will be. */
export class SourceGone extends Schema.TaggedError<SourceGone>()("SourceGone", fields) {
  readonly isRetryable = false
}

/** 401, 402, 403, 451: somebody decided that we may not read it. */
export class SourceRefused extends Schema.TaggedError<SourceRefused>()("SourceRefused", { ...fields, status }) {
  readonly isRetryable = false
}

/** 429: later. */
export class SourceBusy extends Schema.TaggedError<SourceBusy>()("SourceBusy", {
  ...fields,
  retryAfter: Schema.optionalKey(Schema.DurationFromMillis)
}) {
  readonly isRetryable = true
}

/** Any other status that is no answer. */
export class SourceUnavailable extends Schema.TaggedError<SourceUnavailable>()("SourceUnavailable", {
  ...fields,
  status
}) {
  readonly isRetryable = true
}

/** The answer is no feed (or no channel page) we can read. */
export class NotAFeed extends Schema.TaggedError<NotAFeed>()("NotAFeed", fields) {
  readonly isRetryable = false
}

/** There was no answer at all; `reason` tells why. */
export class NoAnswer extends Schema.TaggedError<NoAnswer>()("NoAnswer", { ...fields, reason: SafeFetchReason }) {
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
}

/** The closed set of reasons of a {@link FeedsError}. */
export const FeedsErrorReason = Schema.Union([
  SourceGone,
  SourceRefused,
  SourceBusy,
  SourceUnavailable,
  NotAFeed,
  NoAnswer
])
export type FeedsErrorReason = typeof FeedsErrorReason.Type

/** A feed or page that could not be read. */
export class FeedsError extends Schema.TaggedError<FeedsError>()("FeedsError", { reason: FeedsErrorReason }) {
  override get message(): string {
    return `${this.reason.name}: ${this.reason.detail}`
  }
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
}
