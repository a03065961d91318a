/**
 * What is mended in kafkajs, which is no longer maintained: one place, for one
 * version. Where the version is another, nothing is changed and that is said.
 */
import { Effect } from "effect"
import { createRequire } from "node:module"
import { decodeRecords, readPacked } from "./batches.ts"
import type { Decoder } from "./batches.ts"

const require = createRequire(import.meta.url)

/** The version these mends were written for. */
export const mendedVersion = "2.2.4"

interface RequestQueue {
  readonly pending: ReadonlyArray<unknown>
  scheduleCheckPendingRequests(): void
}

/**
 * After each answer kafkajs sets a timer for requests that are held back, also where none is: with a negative time,
 * which rings at once, and so for ever. It costs some percent of a core per connection, and Node 24 warns of it.
 */
const mendRequestQueue = () => {
  const { prototype } = require("kafkajs/src/network/requestQueue") as { readonly prototype: RequestQueue }
  const schedule = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this)
  }
}

interface AnswerDecoder extends Decoder {
  readInt16(): number
  readInt64(): { toString(): string }
  readString(): string
  readArray<A>(one: (decoder: AnswerDecoder) => A): Array<A>
  readArrayAsync<A>(one: (decoder: AnswerDecoder) => Promise<A>): Promise<Array<A>>
}

const abortedTransaction = (decoder: AnswerDecoder) => ({
  producerId: decoder.readInt64().toString(),
  firstOffset: decoder.readInt64().toString()
})

const partitionOf = async (decoder: AnswerDecoder, topic: string) => {
  const partition = decoder.readInt32()
  return {
    partition,
    errorCode: decoder.readInt16(),
    highWatermark: decoder.readInt64().toString(),
    lastStableOffset: decoder.readInt64().toString(),
    lastStartOffset: decoder.readInt64().toString(),
    abortedTransactions: decoder.readArray(abortedTransaction),
    preferredReadReplica: decoder.readInt32(),
    messages: await decodeRecords(decoder, topic, partition)
  }
}

/** Answers to Fetch are read batch by batch (batches.ts); the fields are those of version 11, the last kafkajs speaks. */
const mendFetch = () => {
  const Answer = require("kafkajs/src/protocol/decoder") as new (bytes: Buffer) => AnswerDecoder
  const response = require("kafkajs/src/protocol/requests/fetch/v11/response") as {
    decode: (bytes: Buffer) => Promise<unknown>
  }
  response.decode = async (bytes) => {
    const decoder = new Answer(bytes)
    const clientSideThrottleTime = decoder.readInt32()
    const errorCode = decoder.readInt16()
    const sessionId = decoder.readInt32()
    const responses = await decoder.readArrayAsync(async (topic) => {
      const topicName = topic.readString()
      return { topicName, partitions: await topic.readArrayAsync((one) => partitionOf(one, topicName)) }
    })
    // Who is to wait is told by the broker's own word for it: it has not waited itself.
    return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses }
  }
}

let isMended = false

/** Mends kafkajs, once per process. */
export const mendKafkajs = Effect.suspend(() => {
  const { version } = require("kafkajs/package.json") as { readonly version: string }
  if (version !== mendedVersion)
    return Effect.logWarning(`kafkajs ${version} is not the version that is mended here (${mendedVersion})`)
  if (isMended) return Effect.void
  isMended = true
  mendRequestQueue()
  readPacked()
  mendFetch()
  return Effect.void
})
