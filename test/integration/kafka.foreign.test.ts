/** Programs of others on our topics: kcat and librdkafka write what is read here, and read what is written here. */
import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import { Broker } from "../../src/broker/Broker.ts"
import { headersOf } from "../../src/domain/Envelope.ts"
import { taskIdOf } from "../../src/domain/ids.ts"
import { Journal } from "../../src/journal/Journal.ts"
import * as SqlJournal from "../../src/journal/sql/SqlJournal.ts"
import * as Actor from "../../src/runtime/Actor.ts"
import { startWorker } from "../../src/runtime/Worker.ts"
import * as Topic from "../../src/topics/Topic.ts"
import { bytes } from "../support/journalRows.ts"
import {
  base64,
  consumeByLibrdkafka,
  describeWithKcat,
  describeWithLibrdkafka,
  kcat,
  produceByLibrdkafka
} from "../support/kafka/foreignClients.ts"
import { describeOnKafka } from "../support/kafka/kafka.ts"
import { kafkaWorld, topic } from "../support/kafkaWorld.ts"
import { clientOf } from "../support/migrated.ts"
import { until, untilSo } from "../support/until.ts"
import { librdkafkaPartitions } from "../unit/librdkafkaPartitions.ts"

const partitions = 12

/** What a producer has to be told, so that a key goes where it goes here. */
const asHere = { partitioner: "murmur2_random" }

const Numbered = Schema.Struct({ n: Schema.Int })

/** An actor on the topic of the world that notes who was served, in order. */
const servedBy = (world: Effect.Success<ReturnType<typeof kafkaWorld>>) =>
  Effect.gen(function* () {
    const served: Array<string> = []
    const actor = Actor.make({
      name: "work",
      topic: Topic.make({ name: topic, type: "test", description: "for tests", value: Numbered, partitions }),
      handler: ({ n }, task) => Effect.sync(() => void served.push(`${task.user}:${n}`))
    })
    const journal = Context.get(yield* Layer.build(Layer.provide(SqlJournal.layer, clientOf(world.url, 4))), Journal)
    yield* startWorker({ actors: [actor] }).pipe(
      Effect.provideContext(Context.make(Broker, world.broker).pipe(Context.add(Journal, journal)))
    )
    return { served, journal }
  })

describeOnKafka("topics in Kafka and programs of others:", () => {
  describeWithLibrdkafka("librdkafka", () => {
    it.live("puts every key where it is put here, and records without one anywhere", () =>
      Effect.gen(function* () {
        const { broker, brokers, prefix } = yield* kafkaWorld(partitions)
        const keys = librdkafkaPartitions.map(([key]) => new Uint8Array(Buffer.from(key, "base64")))
        const record = (name: string, key: Uint8Array | null) => ({ topic: name, key, value: bytes("x"), headers: {} })
        const theirs = yield* produceByLibrdkafka(
          brokers,
          keys.map((key) => record(prefix + topic, key)),
          asHere
        )
        const ours = yield* broker.append(keys.map((key) => record(topic, key)))
        assert.deepStrictEqual(
          theirs.map(({ partition }) => partition),
          ours.map(({ partition }) => partition)
        )
        const [keyless] = yield* produceByLibrdkafka(brokers, [record(prefix + topic, null)], asHere)
        const { partition, offset } = keyless!
        const [found] = yield* broker.read({ topic, partition, from: offset, limit: 1 })
        assert.isNull(found!.key)
      })
    )

    it.live("posts events that run in the order of their user beside our own, and the same id runs once", () =>
      Effect.gen(function* () {
        const world = yield* kafkaWorld(partitions)
        const { served, journal } = yield* servedBy(world)
        const of = (name: string, n: number, id: string) => ({
          topic: name,
          key: bytes("ann"),
          value: bytes(JSON.stringify({ n })),
          headers: headersOf({ id, type: "test", source: "/elsewhere", time: 0 })
        })
        const theirs = (n: number, id: string) =>
          produceByLibrdkafka(world.brokers, [of(world.prefix + topic, n, id)], asHere)
        yield* theirs(1, "one")
        yield* world.broker.append([of(topic, 2, "two")])
        yield* theirs(1, "one")
        yield* theirs(3, "three")
        yield* until("all have run", () => served.includes("ann:3"))
        assert.deepStrictEqual(served, ["ann:1", "ann:2", "ann:3"])
        yield* untilSo(
          "the last is written",
          Effect.map(journal.task(taskIdOf("work", "three")), (task) => task?.state === "succeeded")
        )
      })
    )

    it.live("reads what was written here, with the attributes of CloudEvents in its headers", () =>
      Effect.gen(function* () {
        const { broker, brokers, prefix } = yield* kafkaWorld(partitions)
        const headers = headersOf({
          id: "e1",
          type: "posts.ready",
          source: "/postroom/rewriter",
          time: 1_700_000_000_000,
          flow: "f ж🦊"
        })
        const odd: ReadonlyArray<Uint8Array | null> = [bytes("ж🦊"), new Uint8Array(0), new Uint8Array(4), null]
        const positions = yield* broker.append(odd.map((key) => ({ topic, key, value: bytes(`{"n":1}`), headers })))
        const seen = yield* consumeByLibrdkafka(brokers, `${prefix}elsewhere`, prefix + topic, odd.length)
        assert.sameDeepMembers(
          [...seen],
          odd.map((key, i) => ({
            partition: positions[i]!.partition,
            offset: positions[i]!.offset,
            key: base64(key),
            value: base64(bytes(`{"n":1}`)),
            headers
          }))
        )
        assert.deepInclude(headers, { ce_id: "e1", ce_specversion: "1.0", ce_time: "2023-11-14T22:13:20.000Z" })
      })
    )
  })

  describeWithKcat("kcat", () => {
    it.live("posts a bare key and JSON, which run in order and are known by their place in the log", () =>
      Effect.gen(function* () {
        const world = yield* kafkaWorld(partitions)
        const { served, journal } = yield* servedBy(world)
        const lines = Array.from({ length: 20 }, (_, n) => `${n % 2 === 0 ? "ann" : "жук🦊"}\t{"n":${n}}\n`)
        const args = ["-P", "-t", world.prefix + topic, "-K", "\t", "-X", "topic.partitioner=murmur2_random"]
        yield* kcat(world.brokers, args, lines.join(""))
        yield* until("all have run", () => served.length === 20)
        for (const [user, first] of [
          ["ann", 0],
          ["жук🦊", 1]
        ] as const) {
          assert.deepStrictEqual(
            served.filter((line) => line.startsWith(user)),
            Array.from({ length: 10 }, (_, i) => `${user}:${first + i * 2}`)
          )
        }
        const [{ partition } = { partition: -1 }] = yield* world.broker.append([
          { topic, key: bytes("ann"), value: bytes(`{"n":20}`), headers: {} }
        ])
        const id = taskIdOf("work", `${topic}/${partition}/0`)
        yield* untilSo(
          "the first is written",
          Effect.map(journal.task(id), (task) => task?.state === "succeeded")
        )
      })
    )

    it.live("reads what was written here, headers and all", () =>
      Effect.gen(function* () {
        const { broker, brokers, prefix } = yield* kafkaWorld(1)
        const headers = headersOf({ id: "e1", type: "test", source: "/postroom/", time: 0, priority: "high" })
        yield* broker.append([{ topic, key: bytes("ann"), value: bytes(`{"n":1}`), headers }])
        const said = yield* kcat(brokers, ["-C", "-t", prefix + topic, "-o", "beginning", "-e", "-q", "-J"])
        const seen = JSON.parse(said) as { key: string; payload: string; headers: ReadonlyArray<string> }
        assert.deepInclude(seen, { key: "ann", payload: `{"n":1}` })
        assert.deepStrictEqual(seen.headers, Object.entries(headers).flat())
      })
    )
  })
})
