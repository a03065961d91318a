/** What can go wrong between us and the journal. */
import { Schema } from "effect"

/** The store could not be reached, or whether it committed is unknown. Every write may be repeated. */
export class JournalUnavailable extends Schema.TaggedError<JournalUnavailable>()("JournalUnavailable", {
  detail: Schema.String
}) {
  readonly isRetryable = true
  override get message() {
    return `the journal did not answer: ${this.detail}`
  }
}

/** The store refused what was written: a defect of ours, repeating it cannot help. */
export class WriteRefused extends Schema.TaggedError<WriteRefused>()("WriteRefused", { detail: Schema.String }) {
  readonly isRetryable = false
  override get message() {
    return `the journal refused a write: ${this.detail}`
  }
}

export class JournalError extends Schema.TaggedError<JournalError>()("JournalError", {
  operation: Schema.String,
  reason: Schema.Union([JournalUnavailable, WriteRefused])
}) {
  override get message() {
    return `${this.operation}: ${this.reason.message}`
  }
  get isRetryable() {
    return this.reason.isRetryable
  }
}
