/**
 * Topics in Kafka, beside the list of them in the database, which gives them
 * the numbers that groups know them by. Nothing is made by being used: a topic
 * is made here with all that matters said, or it is checked and refused.
 */
import { Effect } from "effect"
import type { Admin } from "kafkajs"
import type { PartitionEnds, TopicSpec } from "../Broker.ts"
import { BrokerError, PartitionMismatch, PartitionsChanged, UnknownTopic } from "../BrokerError.ts"
import type { StoredTopic, Topics } from "../rows/Topics.ts"
import { lookAgain, unavailable } from "./client.ts"
import type { Cluster } from "./client.ts"
import { asked } from "./refused.ts"

/** One value may have a megabyte, and a request some of them. */
const largestBatch = 16 << 20

const configOf = () => [
  // Postroom drops what is old itself, and only what every group has read.
  { name: "retention.ms", value: "-1" },
  { name: "retention.bytes", value: "-1" },
  { name: "cleanup.policy", value: "delete" },
  { name: "max.message.bytes", value: String(largestBatch) },
  { name: "message.timestamp.type", value: "LogAppendTime" },
  // Whatever producers pack their batches with, the broker unpacks it: not every way can be read by every client.
  { name: "compression.type", value: "uncompressed" }
]

/** The ends of a topic's partitions, by their numbers. */
export interface TopicEnds {
  readonly topic: StoredTopic
  readonly ends: ReadonlyArray<PartitionEnds>
}

/** `nameOf` gives a topic's name in Kafka. */
export const makeKafkaTopics = (admin: Admin, cluster: Cluster, topics: Topics, nameOf: (topic: string) => string) => {
  const partitionsOf = (names: ReadonlyArray<string>) =>
    Effect.map(
      asked("read topics")(() => admin.fetchTopicMetadata({ topics: [...names] })),
      ({ topics: found }) =>
        new Map(
          found.map(({ name, partitions }) => [
            name,
            { count: partitions.length, led: partitions.every(({ leader }) => leader >= 0) }
          ])
        )
    )

  const ensure = Effect.fn("Broker.ensureTopics")(function* (specs: ReadonlyArray<TopicSpec>) {
    const existing = new Set(yield* asked("read topics")(() => admin.listTopics()))
    const known = specs.filter(({ name }) => existing.has(nameOf(name)))
    const missing = specs.filter(({ name }) => !existing.has(nameOf(name)))
    const counts = known.length === 0 ? new Map() : yield* partitionsOf(known.map(({ name }) => nameOf(name)))
    if (known.length > 0) yield* topics.all
    for (const { name, partitions } of known) {
      const actual = counts.get(nameOf(name))?.count ?? 0
      const stored = topics.known(name)?.partitions
      if (stored !== undefined && actual !== stored) {
        return yield* new BrokerError({
          operation: "create topics",
          reason: new PartitionsChanged({ topic: name, known: stored, actual })
        })
      }
      if (stored === undefined && actual !== partitions) {
        return yield* new BrokerError({
          operation: "create topics",
          reason: new PartitionMismatch({ topic: name, expected: partitions, actual })
        })
      }
    }
    if (missing.length > 0) {
      // Whether it was made here or by another process that started at the same time is all the same.
      yield* asked("create topics")(() =>
        admin.createTopics({
          waitForLeaders: false,
          topics: missing.map(({ name, partitions }) => ({
            topic: nameOf(name),
            numPartitions: partitions,
            replicationFactor: -1,
            configEntries: configOf()
          }))
        })
      )
      const names = missing.map(({ name }) => nameOf(name))
      yield* partitionsOf(names).pipe(
        Effect.flatMap((made) =>
          names.every((name) => made.get(name)?.led === true)
            ? // A leader that is named may not know of it yet: it is asked itself.
              Effect.forEach(names, (name) => asked("create topics")(() => admin.fetchTopicOffsets(name)), {
                discard: true
              })
            : Effect.fail(unavailable("create topics", "a new topic has no leader yet"))
        ),
        Effect.tapError(() => Effect.sleep("50 millis")),
        Effect.retry({ times: 100 })
      )
    }
    yield* topics.ensure(specs)
  })

  const ends = Effect.fn("Broker.ends")(function* (topic: string) {
    // Asked anew: it may have grown since it was looked up.
    yield* topics.all
    const { partitions } = yield* topics.get(topic)
    const found = yield* asked("read ends", topic)(() => admin.fetchTopicOffsets(nameOf(topic)))
    if (found.length === 0)
      return yield* new BrokerError({ operation: "read ends", reason: new UnknownTopic({ topic }) })
    if (found.length < partitions) {
      // The topic has grown, which an admin may not have heard of for minutes.
      yield* asked("read ends", topic)(() => lookAgain(cluster))
      return (yield* allEnds).find((one) => one.topic.name === topic)?.ends ?? []
    }
    return found
      .map(({ partition, low, high }): PartitionEnds => ({ partition, first: Number(low), next: Number(high) }))
      .filter(({ partition }) => partition < partitions)
      .sort((a, b) => a.partition - b.partition)
  })

  /** The ends of every topic, by two questions to each leader. */
  const allEnds = Effect.gen(function* () {
    const known = yield* topics.all
    const offsets = (fromBeginning: boolean) =>
      cluster.fetchTopicsOffset(
        known.map(({ name, partitions }) => ({
          topic: nameOf(name),
          partitions: Array.from({ length: partitions }, (_, partition) => ({ partition })),
          fromBeginning
        }))
      )
    const [firsts, nexts] = yield* asked("read ends")(async () => {
      try {
        for (const { name } of known) await cluster.addTargetTopic(nameOf(name))
        await cluster.refreshMetadataIfNecessary()
        return await Promise.all([offsets(true), offsets(false)])
      } catch (cause) {
        await lookAgain(cluster).catch(() => undefined)
        throw cause
      }
    })
    const numbersOf = (found: typeof firsts, topic: string) =>
      new Map(
        found
          .find((one) => one.topic === nameOf(topic))
          ?.partitions.map(({ partition, offset }) => [partition, Number(offset)])
      )
    const all = known.map((topic): TopicEnds => {
      const first = numbersOf(firsts, topic.name)
      const ends = [...numbersOf(nexts, topic.name)].map(([partition, next]) => ({
        partition,
        first: first.get(partition) ?? 0,
        next
      }))
      return { topic, ends }
    })
    // For the next time: it does not know of partitions that are new.
    if (all.some(({ topic, ends }) => ends.length < topic.partitions))
      yield* asked("read the cluster")(() => lookAgain(cluster))
    return all
  })

  /** Offsets of the first records that are not older than `since` (ms), by partition; the end where there are none. */
  const since = (topic: string, at: number) =>
    Effect.map(
      asked("read times", topic)(() => admin.fetchTopicOffsetsByTimestamp(nameOf(topic), at)),
      (found) => new Map(found.map(({ partition, offset }) => [partition, Number(offset)]))
    )

  const drop = (topic: string, partition: number, before: number) =>
    asked(
      "expire",
      topic
    )(() => admin.deleteTopicRecords({ topic: nameOf(topic), partitions: [{ partition, offset: String(before) }] }))

  return { ensure, ends, allEnds, since, drop }
}
