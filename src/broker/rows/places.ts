/**
 * Where records go: the partition they name, the one that Kafka's default
 * partitioner gives their key, or the next in turn. One place for every way
 * into a topic, since a key must go to the same partition on each of them.
 */
import { Effect } from "effect"
import { BrokerError, RecordRefused } from "../BrokerError.ts"
import { partitionOf } from "../murmur2.ts"
import { sizeFault } from "../Record.ts"
import type { OutgoingRecord } from "../Record.ts"
import type { StoredTopic, Topics } from "./Topics.ts"

/** The topic and the partition of a record. */
export interface Place {
  readonly topic: StoredTopic
  readonly partition: number
}

/**
 * The effect that gives each record its place, in their order; it fails for all of them where one names a topic or a
 * partition that is not there, or is too large. Records without a key go round the partitions from one call to the next.
 */
export const makePlaces = (topics: Topics) => {
  let keyless = 0
  const partitionIn = (record: OutgoingRecord, topic: StoredTopic): number => {
    if (record.partition !== undefined) return record.partition
    if (record.key === null) return keyless++ % topic.partitions
    return partitionOf(record.key, topic.partitions)
  }
  return Effect.fnUntraced(function* (records: ReadonlyArray<OutgoingRecord>) {
    const places: Array<Place> = []
    for (const record of records) {
      const fault = sizeFault(record)
      if (fault !== null) {
        return yield* new BrokerError({ operation: "append", reason: new RecordRefused({ detail: fault }) })
      }
      let topic = topics.known(record.topic) ?? (yield* topics.get(record.topic))
      if (record.partition !== undefined && record.partition >= topic.partitions) {
        // It may have grown since it was looked up.
        topics.forget()
        topic = yield* topics.get(record.topic)
      }
      const partition = partitionIn(record, topic)
      if (!(partition >= 0 && partition < topic.partitions)) {
        const detail = `topic "${topic.name}" has ${topic.partitions} partitions and no partition ${partition}`
        return yield* new BrokerError({ operation: "append", reason: new RecordRefused({ detail }) })
      }
      places.push({ topic, partition })
    }
    return places
  })
}

/**
 * An append that found that a topic has grown, once more by what its topics are now. Within a transaction, which is
 * broken by then, that fails too, and whoever tries that again begins with the new places.
 */
export const placedAnew = <A>(topics: Topics, append: Effect.Effect<A, BrokerError>): Effect.Effect<A, BrokerError> =>
  Effect.catchIf(
    append,
    (error) => error.reason._tag === "TopicGrown",
    (grown) =>
      Effect.andThen(Effect.sync(topics.forget), append).pipe(
        Effect.mapError((second) => (second.isRetryable ? grown : second))
      )
  )
