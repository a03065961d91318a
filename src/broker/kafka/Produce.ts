/**
 * Appends records: one request in flight, each record with its partition,
 * chosen once. kafkajs numbers what it sends, and a try again after a lost
 * answer is known by its number; with two in flight, or a partition chosen
 * anew for the second try, what was acknowledged can be lost. What is placed
 * by its key keeps its topic from growing until it is there.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Exit, Scope, Semaphore } from "effect"
import type { Producer } from "kafkajs"
import { makePlaces, placedAnew } from "../rows/places.ts"
import type { Place } from "../rows/places.ts"
import { refused } from "../rows/refused.ts"
import type { Topics } from "../rows/Topics.ts"
import { sizeOf } from "../Record.ts"
import type { OutgoingRecord, Position } from "../Record.ts"
import { unavailable } from "./client.ts"
import type { KafkaClient } from "./client.ts"
import { encodeHeaders } from "./headers.ts"
import { asked } from "./refused.ts"
import { settled, settledBy } from "./settled.ts"

/** Bytes in one request. */
const mostBytes = 4 << 20

interface Placed extends Place {
  readonly record: OutgoingRecord
}

/** Cuts records into what fits a request. */
const partsOf = (records: ReadonlyArray<Placed>): Array<Array<Placed>> => {
  const parts: Array<Array<Placed>> = []
  let bytes = Number.POSITIVE_INFINITY
  for (const one of records) {
    const more = sizeOf(one.record)
    if (bytes + more > mostBytes) {
      parts.push([])
      bytes = 0
    }
    parts.at(-1)!.push(one)
    bytes += more
  }
  return parts
}

const buffer = (bytes: Uint8Array | null): Buffer | null =>
  bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** `nameOf` gives a topic's name in Kafka. */
export const makeProduce = (client: KafkaClient, topics: Topics, nameOf: (topic: string) => string) =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const placesOf = makePlaces(topics)
    const oneAtATime = yield* Semaphore.make(1)
    const sql = yield* PgClient.PgClient
    let current: {
      readonly producer: Producer
      readonly scope: Scope.Closeable
      /** The partitions that its topics had when they were first written to. */
      readonly sizes: Map<number, number>
    } | null = null

    const open = Effect.suspend(() => {
      if (current !== null) return Effect.succeed(current)
      return Effect.gen(function* () {
        const own = yield* Scope.fork(scope)
        const producer = yield* Scope.provide(client.producer, own)
        current = { producer, scope: own, sizes: new Map() }
        return current
      })
    })

    // What became of its numbers is not known any more: the next one gets others.
    const discard = Effect.suspend(() => {
      const old = current
      current = null
      return old === null ? Effect.void : Effect.asVoid(Effect.forkIn(Scope.close(old.scope, Exit.void), scope))
    })

    /** kafkajs leaves out, without a word, what goes to a partition it has not heard of. */
    const knowing = Effect.fnUntraced(function* (part: ReadonlyArray<Placed>) {
      const isNews = ({ topic }: Placed) => (current?.sizes.get(topic.id) ?? topic.partitions) < topic.partitions
      if (part.some(isNews)) yield* discard
      const { producer, sizes } = yield* open
      for (const { topic } of part) if (!sizes.has(topic.id)) sizes.set(topic.id, topic.partitions)
      return producer
    })

    const send = Effect.fnUntraced(function* (part: ReadonlyArray<Placed>) {
      const producer = yield* knowing(part)
      const byTopic = new Map<string, Array<number>>()
      for (const [at, { record }] of part.entries()) {
        const list = byTopic.get(record.topic)
        if (list === undefined) byTopic.set(record.topic, [at])
        else list.push(at)
      }
      const answers = yield* asked(
        "append",
        part[0]!.record.topic
      )(() =>
        producer.sendBatch({
          acks: -1,
          topicMessages: [...byTopic].map(([topic, places]) => ({
            topic: nameOf(topic),
            messages: places.map((at) => {
              const { record, partition } = part[at]!
              return {
                partition,
                key: buffer(record.key),
                value: buffer(record.value),
                headers: encodeHeaders(record.headers)
              }
            })
          }))
        })
      ).pipe(Effect.onError(() => discard))
      const base = new Map(answers.map((answer) => [`${answer.topicName}/${answer.partition}`, answer.baseOffset]))
      const counts = new Map<string, number>()
      const positions: Array<Position> = []
      for (const { record, partition } of part) {
        const slot = `${nameOf(record.topic)}/${partition}`
        const first = base.get(slot)
        if (first === undefined) return yield* unavailable("append", `nothing was said of ${slot}`)
        const place = counts.get(slot) ?? 0
        counts.set(slot, place + 1)
        positions.push({ topic: record.topic, partition, offset: Number(first) + place })
      }
      return positions
    })

    const append = Effect.fnUntraced(function* (records: ReadonlyArray<OutgoingRecord>) {
      if (records.length === 0) return []
      const places = yield* placesOf(records)
      const placed = records.map((record, at): Placed => ({ record, ...places[at]! }))
      const sent = Effect.forEach(partsOf(placed), send)
      const byKey = placed.filter(({ record }) => record.partition === undefined && record.key !== null)
      const settledAndSent = sql
        .withTransaction(Effect.andThen(refused("append")(sql.unsafe(settled(1), settledBy(byKey))), sent))
        .pipe(Effect.catchTag("SqlError", (error) => Effect.fail(unavailable("append", error.message))))
      // Whoever waits for the turn holds no connection: Kafka may let the one before wait for long.
      return (yield* oneAtATime.withPermit(byKey.length === 0 ? sent : settledAndSent)).flat()
    })
    return (records: ReadonlyArray<OutgoingRecord>) => placedAnew(topics, append(records))
  })
