/**
 * What can go wrong with Telegram, as the pipeline must react to it: wait, try again, give up on this post, on this
 * target, or on the account. One place knows Telegram's error texts.
 */
import { Schema } from "effect"

const text = { code: Schema.Int, text: Schema.String }

/** Telegram wants a pause of `seconds`. `scope`: of this method by this account, of this chat, or of transfers. */
export class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", {
  seconds: Schema.Int,
  scope: Schema.Literals(["method", "chat", "transfer"]),
  text: Schema.String
}) {
  readonly isRetryable = true
}
/** Telegram or the way to it is down; nothing was executed or it does not matter. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", { text: Schema.String }) {
  readonly isRetryable = true
}
/** A send whose answer never came. Repeat it with the SAME random ids; never with new ones. */
export class UnknownOutcome extends Schema.TaggedError<UnknownOutcome>()("UnknownOutcome", { text: Schema.String }) {
  readonly isRetryable = true
}
/** The random id had been executed before: a success whose message is to be found in the history. */
export class AlreadySent extends Schema.TaggedError<AlreadySent>()("AlreadySent", { text: Schema.String }) {
  readonly isRetryable = false
}
/** The session is dead; `duplicated`: the same key was used from two places, it must never connect again. */
export class AccountDead extends Schema.TaggedError<AccountDead>()("AccountDead", {
  ...text,
  duplicated: Schema.Boolean
}) {
  readonly isRetryable = false
}
/** The account is limited as a spammer: no sends for a day. */
export class AccountRestricted extends Schema.TaggedError<AccountRestricted>()("AccountRestricted", text) {
  readonly isRetryable = false
}
/** The channel or post to read is gone, private or renamed. `resolveAgain`: a stored access hash may be stale. */
export class SourceGone extends Schema.TaggedError<SourceGone>()("SourceGone", {
  ...text,
  resolveAgain: Schema.Boolean
}) {
  readonly isRetryable = false
}
/** This account may not post into the target. */
export class TargetForbidden extends Schema.TaggedError<TargetForbidden>()("TargetForbidden", text) {
  readonly isRetryable = false
}
/** The text, the caption or the entities exceed a limit: cut and send again under the same random id. */
export class TooLong extends Schema.TaggedError<TooLong>()("TooLong", text) {
  readonly isRetryable = false
}
/** Telegram does not take this picture or file. */
export class MediaRejected extends Schema.TaggedError<MediaRejected>()("MediaRejected", text) {
  readonly isRetryable = false
}
/** The file reference is too old: read the message again and take the new one. */
export class FileReferenceExpired extends Schema.TaggedError<FileReferenceExpired>()("FileReferenceExpired", text) {
  readonly isRetryable = false
}
/** Anything else Telegram refuses: our fault, or something new. */
export class Rejected extends Schema.TaggedError<Rejected>()("Rejected", text) {
  readonly isRetryable = false
}

/** Every reason a Telegram call can fail for. */
export const TelegramErrorReason = Schema.Union([
  RateLimited,
  Unavailable,
  UnknownOutcome,
  AlreadySent,
  AccountDead,
  AccountRestricted,
  SourceGone,
  TargetForbidden,
  TooLong,
  MediaRejected,
  FileReferenceExpired,
  Rejected
])
export type TelegramErrorReason = typeof TelegramErrorReason.Type

/** A Telegram call that failed: which operation of the gateway, and why. */
export class TelegramError extends Schema.TaggedError<TelegramError>()("TelegramError", {
  operation: Schema.String,
  reason: TelegramErrorReason
}) {
  override get message(): string {
    return `${this.operation}: ${this.reason._tag} ${this.reason.text}`
  }
  /** Whether the same call may succeed later. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  /** Seconds Telegram asks to wait, when it says so. */
  get waitSeconds(): number | undefined {
    return this.reason._tag === "RateLimited" ? this.reason.seconds : undefined
  }
}
