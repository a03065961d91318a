/** The ways a guarded fetch can end without an answer. */
import { Schema } from "effect"

const fields = { url: Schema.String, detail: Schema.String }

/** Not an http(s) URL, or one with credentials in it. */
export class InvalidUrl extends Schema.TaggedError<InvalidUrl>()("InvalidUrl", fields) {
  readonly isRetryable = false
}

/** The URL, a redirect of it or an address of its name leads to where users' URLs must not lead. */
export class ForbiddenTarget extends Schema.TaggedError<ForbiddenTarget>()("ForbiddenTarget", fields) {
  readonly isRetryable = false
}

/** The name has no address. `isRetryable` because name servers fail for moments too. */
export class Unresolvable extends Schema.TaggedError<Unresolvable>()("Unresolvable", fields) {
  readonly isRetryable = true
}

/** Refused, reset, cut short, or no valid TLS. */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", fields) {
  readonly isRetryable = true
}

/** No complete answer in time. */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", fields) {
  readonly isRetryable = true
}

/** More bytes than allowed, as sent or once unpacked. */
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { ...fields, limit: Schema.Int }) {
  readonly isRetryable = false
}

/** More redirects than allowed, or one without a usable location. */
export class BadRedirect extends Schema.TaggedError<BadRedirect>()("BadRedirect", fields) {
  readonly isRetryable = false
}

/** A content encoding we did not ask for, or one that does not unpack. */
export class BadEncoding extends Schema.TaggedError<BadEncoding>()("BadEncoding", fields) {
  readonly isRetryable = false
}

/** The closed set of reasons of a {@link SafeFetchError}. */
export const SafeFetchReason = Schema.Union([
  InvalidUrl,
  ForbiddenTarget,
  Unresolvable,
  Unreachable,
  TimedOut,
  TooLarge,
  BadRedirect,
  BadEncoding
])
export type SafeFetchReason = typeof SafeFetchReason.Type

/** A guarded fetch that got no answer. */
export class SafeFetchError extends Schema.TaggedError<SafeFetchError>()("SafeFetchError", {
  reason: SafeFetchReason
}) {
  override get message(): string {
    return `${this.reason.name}: ${this.reason.detail}`
  }
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
}
