/** What can go wrong between us and a broker, and whether trying again can help. */
import { Schema } from "effect"

export class UnknownTopic extends Schema.TaggedError<UnknownTopic>()("UnknownTopic", { topic: Schema.String }) {
  readonly isRetryable = false
  override get message() {
    return `there is no topic "${this.topic}": call ensureTopics first`
  }
}

export class PartitionMismatch extends Schema.TaggedError<PartitionMismatch>()("PartitionMismatch", {
  topic: Schema.String,
  expected: Schema.Int,
  actual: Schema.Int
}) {
  readonly isRetryable = false
  override get message() {
    return `topic "${this.topic}" has ${this.actual} partitions, ${this.expected} were asked for: keys would move to other partitions and lose their order`
  }
}

/** The broker could not be reached, or the outcome of the call is unknown. */
export class BrokerUnavailable extends Schema.TaggedError<BrokerUnavailable>()("BrokerUnavailable", {
  detail: Schema.String
}) {
  readonly isRetryable = true
  override get message() {
    return `the broker did not answer: ${this.detail}`
  }
}

/** The record cannot be stored at all: too large, or not what the broker takes. */
export class RecordRefused extends Schema.TaggedError<RecordRefused>()("RecordRefused", { detail: Schema.String }) {
  readonly isRetryable = false
  override get message() {
    return `the broker refused the record: ${this.detail}`
  }
}

export type BrokerReason = UnknownTopic | PartitionMismatch | BrokerUnavailable | RecordRefused

export class BrokerError extends Schema.TaggedError<BrokerError>()("BrokerError", {
  operation: Schema.String,
  reason: Schema.Union([UnknownTopic, PartitionMismatch, BrokerUnavailable, RecordRefused])
}) {
  override get message() {
    return `${this.operation}: ${this.reason.message}`
  }
  get isRetryable() {
    return this.reason.isRetryable
  }
}
