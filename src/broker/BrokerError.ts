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
    const has = `topic "${this.topic}" has ${this.actual} partitions, ${this.expected} were asked for: keys would move to other partitions and lose their order`
    return this.expected > this.actual
      ? `${has}. "postroom topics grow ${this.topic} --partitions ${this.expected}" moves them when nothing of them is under way`
      : `${has}, and none can be taken away. Ask for ${this.actual}`
  }
}

/** A topic in Kafka has other partitions than are known here: somebody else has changed it. */
export class PartitionsChanged extends Schema.TaggedError<PartitionsChanged>()("PartitionsChanged", {
  topic: Schema.String,
  known: Schema.Int,
  actual: Schema.Int
}) {
  readonly isRetryable = false
  override get message() {
    return this.actual > this.known
      ? `topic "${this.topic}" has ${this.actual} partitions in Kafka and ${this.known} of them are known here: others have added some, and write to them, so that records of one key may stand in two. Stop those who write, then "postroom topics grow ${this.topic} --partitions ${this.actual}"`
      : `topic "${this.topic}" has ${this.actual} partitions in Kafka, and it had ${this.known}: it is not the one it was`
  }
}

/** The topic has got more partitions since its keys' places were looked up; the next try looks them up anew. */
export class TopicGrown extends Schema.TaggedError<TopicGrown>()("TopicGrown", {}) {
  readonly isRetryable = true
  override get message() {
    return "a topic has more partitions than before, and keys go to others"
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

const reasons = [
  UnknownTopic,
  PartitionMismatch,
  PartitionsChanged,
  TopicGrown,
  BrokerUnavailable,
  RecordRefused
] as const

export type BrokerReason = InstanceType<(typeof reasons)[number]>

export class BrokerError extends Schema.TaggedError<BrokerError>()("BrokerError", {
  operation: Schema.String,
  reason: Schema.Union(reasons)
}) {
  override get message() {
    return `${this.operation}: ${this.reason.message}`
  }
  get isRetryable() {
    return this.reason.isRetryable
  }
}
