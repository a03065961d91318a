/**
 * Reads records. One request per leader serves all partitions of a member and
 * waits at the broker for something to come. What was rolled back is left out,
 * and places of the log that hold no record are stepped over. What cannot be
 * unpacked comes as records that say so (batches.ts), and is told of once.
 */
import { Effect } from "effect"
import type { PartitionEnds } from "../Broker.ts"
import { BrokerError, UnknownTopic } from "../BrokerError.ts"
import { unreadableHeader } from "../Record.ts"
import type { TopicRecord } from "../Record.ts"
import type { Fetched, FetchPosition } from "../rows/Member.ts"
import type { Cluster } from "./client.ts"
import { lookAgain } from "./client.ts"
import { decodeHeaders } from "./headers.ts"
import { asked, kindOf } from "./refused.ts"
import type { WirePartition, WireRecord } from "./WireRecord.ts"

/**
 * How long a broker may wait for something to come, ms: also how late a new position can be read. The longer nothing
 * comes, the longer it may wait: eight idle queues that ask ten times a second cost more than all else that rests.
 */
const [shortestWaitMs, longestWaitMs] = [100, 1_000]

/** The same where several leaders are asked and one must not wait for the others. */
const shortWaitMs = 10

const [bytesPerPartition, bytesInAll] = [1 << 18, 2 << 20]

/** Records that are committed, and those that belong to no transaction. */
const readCommitted = 1

/**
 * Left out: control records, and what stands in a transaction that was rolled back. The list of those begins, per
 * producer, with the first offset of each; the control record that ends one is in the log
 * (KIP-98, "Aborted transactions").
 */
export const committedOf = ({ messages, abortedTransactions = [] }: WirePartition): ReadonlyArray<WireRecord> => {
  const begun = [...(abortedTransactions ?? [])].sort((a, b) => Number(a.firstOffset) - Number(b.firstOffset))
  const open = new Set<string>()
  let next = 0
  return messages.filter((message) => {
    while (next < begun.length && Number(begun[next]!.firstOffset) <= Number(message.offset)) {
      open.add(begun[next++]!.producerId)
    }
    const { producerId = "", inTransaction = false } = message.batchContext ?? {}
    if (message.isControlRecord === true) {
      open.delete(producerId)
      return false
    }
    return !(inTransaction && open.has(producerId))
  })
}

/** Copied out of the answer's buffer, which would stay in memory as long as one record of it does. */
const copyOf = (bytes: Buffer | null): Uint8Array | null => (bytes === null ? null : new Uint8Array(bytes))

const recordOf = (topic: string, partition: number, record: WireRecord): TopicRecord => ({
  topic,
  partition,
  offset: Number(record.offset),
  key: copyOf(record.key),
  value: copyOf(record.value),
  headers: decodeHeaders(record.headers),
  timestamp: Number(record.timestamp)
})

/** Where positions that lie outside of the log go on: at its old end, where what stood there is gone. */
const within = (
  positions: ReadonlyMap<number, number>,
  ends: ReadonlyArray<PartitionEnds>,
  tell: (what: string) => void
): Fetched => {
  const next = new Map<number, number>()
  for (const { partition, first, next: end } of ends) {
    const position = positions.get(partition)
    if (position === undefined) continue
    if (position < first) {
      next.set(partition, first)
      tell(`offsets ${position} to ${first - 1} of partition ${partition} are gone from the log and were never read`)
    }
    if (position > end)
      throw new Error(`partition ${partition} ends at ${end}, and ${position} was read: the log is not the one it was`)
  }
  return { records: [], next, isCut: true }
}

/** Records of a partition that are handed on at a time: a batch of Kafka may have thousands. */
const mostRecords = 500

/** What an answer brought of a partition. */
interface Run {
  readonly records: ReadonlyArray<TopicRecord>
  /** Where the partition goes on behind it. */
  readonly next: number
}

/**
 * The effect that reads partitions from where they are asked from. What an answer brought beyond `mostRecords` is kept
 * for the next time. `name` is the topic's in Kafka, `topic` what its records are told to come from.
 */
export const makeFetch = (
  cluster: Cluster,
  name: string,
  topic: string,
  ends: () => Promise<ReadonlyArray<PartitionEnds>>
) => {
  /** By partition and the position behind what was handed on. */
  const kept = new Map<number, { readonly from: number; readonly run: Run }>()

  const handOn = (runs: ReadonlyMap<number, Run>): Fetched => {
    const records: Array<TopicRecord> = []
    const next = new Map<number, number>()
    for (const [partition, run] of runs) {
      const now = run.records.slice(0, mostRecords)
      const later = run.records.slice(mostRecords)
      for (const record of now) records.push(record)
      const from = later.length === 0 ? run.next : later[0]!.offset
      next.set(partition, from)
      if (later.length > 0) kept.set(partition, { from, run: { records: later, next: run.next } })
    }
    return { records, next, isCut: true }
  }

  let waitMs = shortestWaitMs

  const ask = async (
    from: ReadonlyMap<number, number>,
    tell: (what: string) => void
  ): Promise<ReadonlyMap<number, Run>> => {
    await cluster.refreshMetadataIfNecessary()
    let leaders = Object.entries(cluster.findLeaderForPartitions(name, [...from.keys()]))
    if (leaders.flatMap(([, partitions]) => partitions).length < from.size) {
      // The topic has grown: kafkajs leaves out, without a word, what it has not heard of.
      await cluster.refreshMetadata()
      leaders = Object.entries(cluster.findLeaderForPartitions(name, [...from.keys()]))
    }
    if (leaders.length === 0) {
      throw new BrokerError({ operation: "read", reason: new UnknownTopic({ topic }) })
    }
    const answers = await Promise.all(
      leaders.map(async ([nodeId, partitions]) => {
        const node = await cluster.findBroker({ nodeId })
        return node.fetch({
          maxWaitTime: leaders.length === 1 ? Math.round(waitMs) : shortWaitMs,
          minBytes: 1,
          maxBytes: bytesInAll,
          isolationLevel: readCommitted,
          topics: [
            {
              topic: name,
              partitions: partitions.map((partition) => ({
                partition: Number(partition),
                fetchOffset: String(from.get(Number(partition))),
                maxBytes: bytesPerPartition
              }))
            }
          ]
        })
      })
    )
    const runs = new Map<number, Run>()
    for (const answer of answers.flatMap(({ responses }) => responses).flatMap(({ partitions }) => partitions)) {
      const position = from.get(answer.partition)!
      // A batch begins before the position where that stands in its middle.
      const fresh = answer.messages.filter(({ offset }) => Number(offset) >= position)
      if (fresh.length === 0) continue
      const records = committedOf({ ...answer, messages: fresh }).map((one) => recordOf(topic, answer.partition, one))
      for (const { headers } of records) if (headers[unreadableHeader] !== undefined) tell(headers[unreadableHeader])
      runs.set(answer.partition, {
        records,
        next: Number(fresh.at(-1)!.offset) + 1
      })
    }
    waitMs = runs.size > 0 ? shortestWaitMs : Math.min(longestWaitMs, waitMs * 1.5)
    return runs
  }

  return (positions: ReadonlyArray<FetchPosition>): Effect.Effect<Fetched, BrokerError> =>
    Effect.suspend(() => {
      const left = new Map<number, Run>()
      for (const { partition, from } of positions) {
        const one = kept.get(partition)
        kept.delete(partition)
        if (one?.from === from) left.set(partition, one.run)
      }
      if (left.size > 0) return Effect.succeed(handOn(left))
      const from = new Map(positions.map((one) => [one.partition, one.from]))
      const told = new Set<string>()
      const tell = (what: string) => void told.add(what)
      return asked(
        "read",
        topic
      )(() =>
        ask(from, tell).then(handOn, async (cause) => {
          // Who was asked is not the leader any more, or gone: ask who is before the next try.
          if (kindOf(cause) === "OFFSET_OUT_OF_RANGE") return within(from, await ends(), tell)
          await lookAgain(cluster).catch(() => undefined)
          throw cause
        })
      ).pipe(Effect.tap(() => Effect.forEach(told, (what) => Effect.logError(what, topic), { discard: true })))
    })
}
