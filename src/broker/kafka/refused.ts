/** Turns what kafkajs throws into the broker's own words. */
import { Effect } from "effect"
import { BrokerError, BrokerUnavailable, RecordRefused, UnknownTopic } from "../BrokerError.ts"
import type { BrokerReason } from "../BrokerError.ts"

const unknownTopics = new Set(["UNKNOWN_TOPIC_OR_PARTITION", "INVALID_TOPIC_EXCEPTION"])
const unwanted = new Set(["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE", "INVALID_RECORD"])

/** The name Kafka has for what went wrong; empty where it did not say. */
export const kindOf = (cause: unknown): string => {
  const error = cause as { readonly type?: string; readonly cause?: unknown; readonly originalError?: unknown }
  return error?.type ?? (error?.cause === undefined ? "" : kindOf(error.cause))
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

const reasonOf = (cause: unknown, topic: string): BrokerReason => {
  const kind = kindOf(cause)
  if (unknownTopics.has(kind)) return new UnknownTopic({ topic })
  if (unwanted.has(kind)) return new RecordRefused({ detail: messageOf(cause) })
  return new BrokerUnavailable({ detail: messageOf(cause) })
}

/** A question to Kafka as an effect; `topic` is named where Kafka does not know it. */
export const asked =
  (operation: string, topic = "?") =>
  <A>(question: () => Promise<A>): Effect.Effect<A, BrokerError> =>
    Effect.tryPromise({
      try: question,
      catch: (cause) =>
        cause instanceof BrokerError ? cause : new BrokerError({ operation, reason: reasonOf(cause, topic) })
    })
