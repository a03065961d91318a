/** Batches that other producers packed, and those that cannot be unpacked: no partition stands still for one. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { unreadableHeader } from "../../src/broker/Record.ts"
import { readGroup } from "../support/groupReader.ts"
import { bytes } from "../support/journalRows.ts"
import { describeWithLibrdkafka, kcat, produceByLibrdkafka, describeWithKcat } from "../support/kafka/foreignClients.ts"
import type { ForeignRecord } from "../support/kafka/foreignClients.ts"
import { describeOnKafka } from "../support/kafka/kafka.ts"
import { adminOf, kafkaWorld, topic } from "../support/kafkaWorld.ts"
import { until } from "../support/until.ts"

const codecs = ["none", "gzip", "snappy", "lz4", "zstd"] as const

/** A topic as somebody else makes one: batches stay as their producers packed them. */
const leaveAsSent = (brokers: ReadonlyArray<string>, name: string) =>
  Effect.gen(function* () {
    const admin = yield* adminOf(brokers)
    yield* Effect.promise(() =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: 2, name, configEntries: [{ name: "compression.type", value: "producer" }] }]
      })
    )
  })

/** Ten records that packing makes smaller, for one partition. */
const tenOf = (name: string, what: string, partition: number): ReadonlyArray<ForeignRecord> =>
  Array.from({ length: 10 }, (_, i) => ({
    topic: name,
    key: bytes("ann"),
    value: bytes(`${what} ${i} ${"x".repeat(500)}`),
    headers: {},
    partition
  }))

const packedBy = (codec: string) => ({ "compression.type": codec, "linger.ms": 200 })

describeOnKafka("batches that were packed", () => {
  describeWithLibrdkafka("by librdkafka", () => {
    it.live("are read from topics that were made here, whatever packed them: the broker has unpacked them", () =>
      Effect.gen(function* () {
        const { broker, brokers, prefix } = yield* kafkaWorld(1)
        for (const codec of codecs)
          yield* produceByLibrdkafka(brokers, tenOf(prefix + topic, codec, 0), packedBy(codec))
        const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
        yield* until("all are read", () => reader.records.length === 50)
        assert.deepStrictEqual(
          reader.records.map(({ value }) => new TextDecoder().decode(value!).slice(0, 8).trim()),
          codecs.flatMap((codec) => Array.from({ length: 10 }, (_, i) => `${codec} ${i} xxxxx`.slice(0, 8).trim()))
        )
      })
    )

    it.live(
      "and cannot be unpacked come one by one as what cannot be read, with the bytes, and hold up nothing behind or beside them",
      () =>
        Effect.gen(function* () {
          const { broker, brokers, prefix } = yield* kafkaWorld(2)
          const name = prefix + topic
          yield* leaveAsSent(brokers, name)
          for (const codec of codecs) yield* produceByLibrdkafka(brokers, tenOf(name, codec, 0), packedBy(codec))
          yield* produceByLibrdkafka(brokers, tenOf(name, "beside", 1))
          const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
          yield* until("all are read", () => reader.records.length === 60)
          const read = reader.records.filter(({ partition }) => partition === 0)
          assert.deepStrictEqual(
            read.map(({ offset }) => offset),
            Array.from({ length: 50 }, (_, i) => i)
          )
          for (const [i, { headers, value, key }] of read.entries()) {
            const codec = codecs[Math.floor(i / 10)]!
            const why = headers[unreadableHeader]
            if (codec !== "snappy" && codec !== "lz4") {
              assert.isUndefined(why)
              assert.isTrue(new TextDecoder().decode(value!).startsWith(`${codec} ${i % 10}`))
              continue
            }
            const first = i - (i % 10)
            assert.include(
              why,
              `the batch of offsets ${first} to ${first + 9} in partition 0 of topic "${name}" is compressed with ${codec}`
            )
            assert.include(why, "set the producer's compression.type")
            assert.isNull(key)
            if (i > first) assert.isNull(value)
            else assert.strictEqual(Buffer.from(value!).readBigInt64BE(0), BigInt(first))
          }
        })
    )

    it.live("and hold two hundred thousand records in one are read: so many are no arguments of a call", () =>
      Effect.gen(function* () {
        const { broker, brokers, prefix } = yield* kafkaWorld(1)
        const name = prefix + topic
        yield* leaveAsSent(brokers, name)
        const count = 200_000
        const record = { topic: name, key: null, value: bytes("1"), headers: {}, partition: 0 }
        yield* produceByLibrdkafka(
          brokers,
          Array.from({ length: count }, () => record),
          {
            "compression.type": "zstd",
            "linger.ms": 20_000,
            "batch.num.messages": count,
            "batch.size": 15_000_000,
            "message.max.bytes": 16_000_000,
            "queue.buffering.max.messages": count
          }
        )
        const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
        yield* until("all are read", () => reader.records.length === count, 40)
        assert.strictEqual(reader.records.at(-1)!.offset, count - 1)
      })
    )
  })

  describeWithKcat("by kcat", () => {
    it.live("are read from topics that were made here", () =>
      Effect.gen(function* () {
        const { broker, brokers, prefix } = yield* kafkaWorld(1)
        const line = `${"y".repeat(2_000)}\n`
        for (const codec of ["gzip", "snappy", "lz4", "zstd"]) {
          yield* kcat(brokers, ["-P", "-t", prefix + topic, "-z", codec], line)
        }
        const records = yield* broker.read({ topic, partition: 0, from: 0, limit: 10 })
        assert.deepStrictEqual(
          records.map(({ value }) => value!.length),
          [2_000, 2_000, 2_000, 2_000]
        )
      })
    )
  })
})
