/** What every broker promises about its topics, in one text for all of them. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect } from "effect"
import type { Layer, Scope } from "effect"
import { murmur2, partitionOf } from "../../src/broker/murmur2.ts"
import type { Broker, TopicSpec } from "../../src/broker/Broker.ts"
import { largestRecord, sizeOf } from "../../src/broker/Record.ts"
import type { OutgoingRecord, RecordParts, TopicRecord } from "../../src/broker/Record.ts"
import { readGroup } from "../support/groupReader.ts"
import { bytes } from "../support/journalRows.ts"
import { until } from "../support/until.ts"

/** Where the brokers of several processes meet. */
export class BrokerWorld extends Context.Service<
  BrokerWorld,
  {
    /** A broker as another process would have it. */
    readonly process: Effect.Effect<Broker["Service"], never, Scope.Scope>
  }
>()("test/BrokerWorld") {}

let topics = 0
const hourMs = 3_600_000

/** A broker and a topic that no other test has. */
export const freshTopic = (partitions = 3, more: Partial<TopicSpec> = {}) =>
  Effect.gen(function* () {
    const world = yield* BrokerWorld
    const broker = yield* world.process
    const topic = `topic-${++topics}`
    yield* broker.ensureTopics([{ name: topic, partitions, retentionMs: hourMs, ...more }])
    return { broker, topic, process: world.process }
  })

export const recordOf = (topic: string, value: string, more: Partial<OutgoingRecord> = {}): OutgoingRecord => ({
  topic,
  key: null,
  value: bytes(value),
  headers: {},
  ...more
})

const texts = (records: ReadonlyArray<TopicRecord>) => records.map((record) => new TextDecoder().decode(record.value!))

export const brokerContract = (name: string, world: Layer.Layer<BrokerWorld>): void =>
  layer(world, { excludeTestServices: true, timeout: "60 seconds" })(name, (it) => {
    it.effect("records of one append keep their order within each partition and are told where they are", () =>
      Effect.gen(function* () {
        const { broker, topic } = yield* freshTopic()
        const partitions = [0, 1, 0, 2, 1, 0]
        const positions = yield* broker.append(
          partitions.map((partition, i) => recordOf(topic, String(i), { partition }))
        )
        assert.deepStrictEqual(
          positions.map((p) => `${p.partition}/${p.offset}`),
          ["0/0", "1/0", "0/1", "2/0", "1/1", "0/2"]
        )
        const read = yield* broker.read({ topic, partition: 0, from: 0, limit: 10 })
        assert.deepStrictEqual(texts(read), ["0", "2", "5"])
        assert.deepStrictEqual(
          read.map((r) => r.offset),
          [0, 1, 2]
        )
        assert.deepStrictEqual(yield* broker.append([]), [])
      })
    )

    it.effect("a read starts where it is asked to and brings no more than its limit", () =>
      Effect.gen(function* () {
        const { broker, topic } = yield* freshTopic(1)
        yield* broker.append(["a", "b", "c", "d"].map((value) => recordOf(topic, value)))
        assert.deepStrictEqual(texts(yield* broker.read({ topic, partition: 0, from: 1, limit: 2 })), ["b", "c"])
        assert.deepStrictEqual(yield* broker.read({ topic, partition: 0, from: 4, limit: 2 }), [])
      })
    )

    it.effect("a record comes back byte for byte, with its headers and the time of its append", () =>
      Effect.gen(function* () {
        const { broker, topic } = yield* freshTopic(1)
        const before = Date.now()
        const all = Uint8Array.from({ length: 256 }, (_, i) => i)
        const odd: ReadonlyArray<OutgoingRecord> = [
          { topic, key: all, value: all, headers: { ce_id: "\0", "ü é": "\ud800 🦊", __proto__x: "", empty: "" } },
          { topic, key: new Uint8Array(0), value: new Uint8Array(0), headers: {} },
          { topic, key: null, value: null, headers: {} }
        ]
        yield* broker.append(odd)
        const read = yield* broker.read({ topic, partition: 0, from: 0, limit: 9 })
        for (const [i, { key, value, headers }] of odd.entries()) {
          assert.deepStrictEqual(read[i]!.key === null ? null : [...read[i]!.key], key === null ? null : [...key])
          assert.deepStrictEqual(
            read[i]!.value === null ? null : [...read[i]!.value],
            value === null ? null : [...value]
          )
          assert.deepStrictEqual(read[i]!.headers, headers)
          assert.isTrue(read[i]!.timestamp >= before - 1_000 && read[i]!.timestamp <= Date.now() + 1_000)
        }
      })
    )

    it.effect("a key always goes to the partition that Kafka's default partitioner gives it", () =>
      Effect.gen(function* () {
        const { broker, topic } = yield* freshTopic(7)
        const keys = Array.from({ length: 100 }, (_, i) => bytes(`user-${i} ж🦊`))
        const positions = yield* broker.append(keys.map((key) => recordOf(topic, "v", { key })))
        for (const [i, key] of keys.entries()) {
          assert.strictEqual(positions[i]!.partition, (murmur2(key) & 0x7fffffff) % 7)
          assert.strictEqual(positions[i]!.partition, partitionOf(key, 7))
        }
      })
    )

    it.effect("records without a key go round the partitions", () =>
      Effect.gen(function* () {
        const { broker, topic } = yield* freshTopic(3)
        yield* broker.append(Array.from({ length: 30 }, (_, i) => recordOf(topic, String(i))))
        assert.deepStrictEqual(
          (yield* broker.ends(topic)).map((end) => end.next),
          [10, 10, 10]
        )
      })
    )

    it.effect(
      "many appenders of several processes give each partition offsets without gaps, each in its own order",
      () =>
        Effect.gen(function* () {
          const { broker, topic, process } = yield* freshTopic(4)
          const other = yield* process
          const appender = (id: number) =>
            Effect.forEach(
              Array.from({ length: 25 }, (_, i) => i),
              (i) => {
                const order = id % 2 === 0 ? [0, 1, 2, 3] : [3, 1, 0, 2]
                const batch = order.map((partition) => recordOf(topic, `${id}:${i}`, { partition }))
                return (id % 3 === 0 ? other : broker).append(batch)
              },
              { discard: true }
            )
          yield* Effect.forEach(
            Array.from({ length: 12 }, (_, id) => id),
            appender,
            { concurrency: "unbounded", discard: true }
          )
          for (let partition = 0; partition < 4; partition++) {
            const read = yield* broker.read({ topic, partition, from: 0, limit: 1_000 })
            assert.deepStrictEqual(
              read.map((r) => r.offset),
              Array.from({ length: 300 }, (_, i) => i)
            )
            const seen = new Map<string, number>()
            for (const text of texts(read)) {
              const [id, i] = text.split(":") as [string, string]
              assert.strictEqual(Number(i), (seen.get(id) ?? -1) + 1)
              seen.set(id, Number(i))
            }
          }
        }).pipe(Effect.scoped)
    )

    it.effect("a reader beside busy appenders misses nothing and sees nothing early", () =>
      Effect.gen(function* () {
        const { broker, topic, process } = yield* freshTopic(2)
        const other = yield* process
        const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
        const rounds = Array.from({ length: 40 }, (_, i) => i)
        yield* Effect.forEach(
          [0, 1, 2, 3],
          (id) =>
            Effect.forEach(rounds, (i) =>
              (id % 2 === 0 ? other : broker).append([recordOf(topic, `${id}:${i}`, { partition: i % 2 })])
            ),
          { concurrency: "unbounded" }
        )
        yield* until("all records are read", () => reader.records.length >= 160)
        for (const partition of [0, 1]) {
          const offsets = reader.records.filter((r) => r.partition === partition).map((r) => r.offset)
          assert.deepStrictEqual(
            offsets,
            Array.from({ length: 80 }, (_, i) => i)
          )
        }
      }).pipe(Effect.scoped)
    )

    it.effect("a topic that nobody created is an error that trying again cannot mend", () =>
      Effect.gen(function* () {
        const { broker } = yield* freshTopic()
        const topic = "nobody's"
        const errors = yield* Effect.all([
          Effect.flip(broker.append([recordOf(topic, "x")])),
          Effect.flip(Effect.scoped(broker.join({ group: "g", topic }))),
          Effect.flip(broker.read({ topic, partition: 0, from: 0, limit: 1 })),
          Effect.flip(broker.ends(topic)),
          Effect.flip(broker.lag("g", topic))
        ])
        for (const error of errors) {
          assert.strictEqual(error.reason._tag, "UnknownTopic")
          assert.isFalse(error.isRetryable)
        }
      })
    )

    it.effect("a record for a partition that the topic has not is refused, and its whole append with it", () =>
      Effect.gen(function* () {
        const { broker, topic } = yield* freshTopic(2)
        for (const partition of [2, -1]) {
          const error = yield* Effect.flip(
            broker.append([recordOf(topic, "a", { partition: 0 }), recordOf(topic, "b", { partition })])
          )
          assert.strictEqual(error.reason._tag, "RecordRefused")
        }
        assert.deepStrictEqual(
          (yield* broker.ends(topic)).map((end) => end.next),
          [0, 0]
        )
      })
    )

    it.effect("a record that is larger than a topic takes is refused, and its whole append with it", () =>
      Effect.gen(function* () {
        const { broker, topic } = yield* freshTopic(1)
        const parts: ReadonlyArray<Partial<RecordParts>> = [
          { value: new Uint8Array(largestRecord + 1) },
          { key: new Uint8Array(largestRecord + 1) },
          { headers: { much: "\u2028".repeat(largestRecord / 3) } }
        ]
        for (const part of parts) {
          const large = { ...recordOf(topic, "b"), ...part }
          for (const send of [broker.append, broker.handOver]) {
            const error = yield* Effect.flip(Effect.asVoid(send([recordOf(topic, "a"), large])))
            assert.strictEqual(error.reason._tag, "RecordRefused")
          }
        }
        assert.deepInclude((yield* broker.ends(topic))[0], { next: 0 })
        const largest = recordOf(topic, "")
        yield* broker.append([{ ...largest, value: new Uint8Array(largestRecord - sizeOf(largest)) }])
        assert.deepInclude((yield* broker.ends(topic))[0], { next: 1 })
      })
    )

    it.effect("a topic is created once, and another number of partitions is refused", () =>
      Effect.gen(function* () {
        const { broker, topic, process } = yield* freshTopic(2)
        const spec = { name: topic, partitions: 2, retentionMs: 1 }
        yield* Effect.all([broker.ensureTopics([spec]), (yield* process).ensureTopics([spec])], { concurrency: 2 })
        const error = yield* Effect.flip(broker.ensureTopics([{ ...spec, partitions: 5 }]))
        assert.deepInclude(error.reason, { _tag: "PartitionMismatch", expected: 5, actual: 2 })
        assert.strictEqual((yield* broker.ends(topic)).length, 2)
      }).pipe(Effect.scoped)
    )

    it.effect("lag follows what a group has committed, which never goes back", () =>
      Effect.gen(function* () {
        const { broker, topic } = yield* freshTopic(1)
        yield* broker.append(Array.from({ length: 5 }, (_, i) => recordOf(topic, String(i))))
        const lag = Effect.map(broker.lag("g", topic), ([of]) => of!.lag)
        assert.strictEqual(yield* lag, 5)
        const reader = yield* readGroup(broker, { group: "g", topic })
        yield* until("the partition is assigned", () => reader.held.size === 1)
        yield* reader.membership.commit(0, 3)
        assert.strictEqual(yield* lag, 2)
        yield* reader.membership.commit(0, 1)
        assert.strictEqual(yield* lag, 2)
        assert.strictEqual((yield* broker.lag("another", topic))[0]!.lag, 5)
      }).pipe(Effect.scoped)
    )

    it.effect("what is old goes only as far as every group has read", () =>
      Effect.gen(function* () {
        const { broker, topic } = yield* freshTopic(1, { retentionMs: 0 })
        yield* broker.append(Array.from({ length: 5 }, (_, i) => recordOf(topic, String(i))))
        const first = yield* readGroup(broker, { group: "a", topic })
        const second = yield* readGroup(broker, { group: "b", topic })
        yield* until("both groups hold the partition", () => first.held.size + second.held.size === 2)
        yield* broker.expire
        assert.strictEqual((yield* broker.ends(topic))[0]!.first, 0)
        yield* first.membership.commit(0, 4)
        yield* second.membership.commit(0, 2)
        yield* broker.expire
        assert.deepInclude((yield* broker.ends(topic))[0]!, { first: 2, next: 5 })
        assert.deepStrictEqual(texts(yield* broker.read({ topic, partition: 0, from: 0, limit: 9 })), ["2", "3", "4"])
        assert.deepStrictEqual((yield* broker.append([recordOf(topic, "5")]))[0]!.offset, 5)
        assert.strictEqual((yield* broker.lag("nobody", topic))[0]!.lag, 4)
      }).pipe(Effect.scoped)
    )

    it.effect("what is younger than the retention stays although it was read", () =>
      Effect.gen(function* () {
        const { broker, topic } = yield* freshTopic(1)
        yield* broker.append([recordOf(topic, "young")])
        yield* broker.expire
        assert.deepStrictEqual((yield* broker.ends(topic))[0]!.first, 0)
      })
    )

    it.effect("twelve values of a megabyte arrive whole", () =>
      Effect.gen(function* () {
        const { broker, topic } = yield* freshTopic(12)
        const value = new Uint8Array(1_048_576).map((_, i) => i % 251)
        yield* broker.append(
          Array.from({ length: 12 }, (_, partition) => ({ topic, key: null, value, headers: {}, partition }))
        )
        const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
        yield* until("all are read", () => reader.records.length === 12)
        for (const record of reader.records) assert.strictEqual(Buffer.compare(record.value!, value), 0)
      }).pipe(Effect.scoped)
    )
  })
