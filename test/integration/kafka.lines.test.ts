/** Kafka behind a line on which requests are held and answers are lost; see the table in docs/reliability/KAFKA.md. */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Random } from "effect"
import { layer as kafkaLayer } from "../../src/broker/kafka/KafkaBroker.ts"
import { recordOf } from "../contract/brokerContract.ts"
import { readGroup } from "../support/groupReader.ts"
import { bytes } from "../support/journalRows.ts"
import { api, once, startFaultProxy } from "../support/kafka/FaultProxy.ts"
import { describeOnOwnKafka } from "../support/kafka/kafka.ts"
import { startKafka } from "../support/kafka/startKafka.ts"
import { kafkaProcess } from "../support/kafkaProcess.ts"
import { adminOf, kafkaWorld, topic, valuesOf } from "../support/kafkaWorld.ts"
import { postgresWorker } from "../support/postgresWorker.ts"
import { actorOf, makeObserver } from "../support/runtimeWorld.ts"
import { until, untilSo } from "../support/until.ts"

/** The offset that Kafka has of a group. */
const committedIn = ({ brokers, prefix }: Effect.Success<ReturnType<typeof kafkaWorld>>, partition: number) =>
  Effect.gen(function* () {
    const admin = yield* adminOf(brokers)
    const found = yield* Effect.promise(() => admin.fetchOffsets({ groupId: `${prefix}g`, topics: [prefix + topic] }))
    return Number(found[0]!.partitions.find((one) => one.partition === partition)!.offset)
  }).pipe(Effect.scoped)

describeOnOwnKafka("behind a line that fails", () => {
  const behindProxy = (partitions: number, options: Parameters<typeof kafkaWorld>[1] = {}) =>
    Effect.gen(function* () {
      const proxy = yield* startFaultProxy
      const cluster = yield* startKafka({ advertised: [proxy.address] })
      proxy.standBefore(cluster.direct[0]!)
      return { proxy, world: yield* kafkaWorld(partitions, { ...options, brokers: [proxy.address] }) }
    })

  it.live(
    "a commit that was held until another owner has gone on takes nothing back",
    () =>
      Effect.gen(function* () {
        // By the numbers that these seeds give their sessions, the second one gets the partition.
        const { proxy, world } = yield* Random.withSeed(
          behindProxy(1, { sessionTimeoutMs: 6_000, drainBoundMs: 500 }),
          "first"
        )
        const one = yield* readGroup(world.broker, { group: "g", topic, from: () => 0 })
        yield* until("the first holds it", () => one.held.size === 1)
        yield* world.broker.append(Array.from({ length: 9 }, (_, i) => recordOf(topic, String(i))))
        yield* until("it has read", () => one.records.length === 9)
        yield* one.membership.commit(0, 1)
        proxy.onRequest(once(api.offsetCommit, "hold"))
        const held = yield* Effect.forkChild(one.membership.commit(0, 5))
        // Its heartbeats are held with it: Kafka takes it for dead.
        const { url, brokers, prefix } = world
        const process = yield* Random.withSeed(
          kafkaProcess(url, { brokers, prefix, sessionTimeoutMs: 6_000, drainBoundMs: 500 }),
          "second"
        )
        const two = yield* readGroup(process, { group: "g", topic, from: () => 5 })
        yield* until("the second holds it", () => two.held.size === 1)
        yield* untilSo(
          "the group is the second's",
          Effect.gen(function* () {
            yield* two.membership.commit(0, 9)
            return (yield* committedIn(world, 0)) === 9
          }),
          30
        )
        proxy.release()
        yield* Fiber.join(held)
        assert.strictEqual(yield* committedIn(world, 0), 9)
        assert.strictEqual((yield* process.lag("g", topic))[0]!.committed, 9)
      }),
    60_000
  )

  it.live(
    "records without a key stand once each although an acknowledgement is lost, and none of them is missing",
    () =>
      Effect.gen(function* () {
        const { proxy, world } = yield* behindProxy(3)
        const send = (value: string) => world.broker.append([recordOf(topic, value)])
        yield* Effect.forEach(["a", "b", "c"], send)
        for (const value of ["d", "e", "f", "g", "h", "i"]) {
          proxy.onAnswer(once(api.produce, "cut"))
          yield* send(value)
        }
        yield* Effect.forEach(["j", "k", "l"], send)
        const all = yield* Effect.forEach([0, 1, 2], (partition) => valuesOf(world.broker, partition))
        assert.deepStrictEqual(all.flat().sort().join(""), "abcdefghijkl")
      })
  )

  it.live(
    "what is appended after an append of which nobody knows whether it took effect is not taken for it",
    () =>
      Effect.gen(function* () {
        const { proxy, world } = yield* behindProxy(1)
        yield* world.broker.append([recordOf(topic, "a")])
        // No acknowledgement of it comes through, however often it is sent.
        proxy.onAnswer(({ api: kind }) => (kind === api.produce ? "cut" : "pass"))
        const error = yield* Effect.flip(world.broker.append([recordOf(topic, "b")]))
        assert.isTrue(error.isRetryable)
        proxy.onAnswer(() => "pass")
        yield* world.broker.append([recordOf(topic, "c")])
        assert.deepStrictEqual(yield* valuesOf(world.broker), ["a", "b", "c"])
      }),
    60_000
  )

  it.live(
    "an acknowledgement of a commit that is lost holds nothing up, and the next commit goes on",
    () =>
      Effect.gen(function* () {
        const { proxy, world } = yield* behindProxy(1)
        const reader = yield* readGroup(world.broker, { group: "g", topic, from: () => 0 })
        yield* until("it is held", () => reader.held.size === 1)
        proxy.onAnswer(once(api.offsetCommit, "swallow"))
        yield* world.broker.append([recordOf(topic, "a")])
        yield* until("it is read", () => reader.records.length === 1)
        const lost = yield* Effect.forkChild(reader.membership.commit(0, 1))
        yield* untilSo(
          "Kafka has it",
          Effect.map(committedIn(world, 0), (at) => at === 1)
        )
        yield* world.broker.append([recordOf(topic, "b")])
        yield* until("the next is read meanwhile", () => reader.records.length === 2)
        yield* reader.membership.commit(0, 2)
        assert.strictEqual(yield* committedIn(world, 0), 2)
        yield* Fiber.interrupt(lost)
        assert.deepStrictEqual(reader.log, ["Assigned 0"])
      }),
    60_000
  )

  it.live(
    "a task that runs longer than a session lasts leaves its worker in the group",
    () =>
      Effect.gen(function* () {
        const { proxy, world } = yield* behindProxy(1)
        let joins = 0
        proxy.onRequest(({ api: kind }) => {
          if (kind === api.joinGroup) joins++
          return "pass"
        })
        const seen = makeObserver()
        const { worker } = yield* postgresWorker(
          world.url,
          [actorOf(() => seen.around("long", Effect.sleep("9 seconds")), { partitions: 1 })],
          {},
          Layer.orDie(kafkaLayer({ brokers: world.brokers, prefix: world.prefix, sessionTimeoutMs: 6_000 }))
        )
        yield* until("it holds the partition", () => worker!.lanes[0]!.owned.size === 1)
        const admin = yield* adminOf(world.brokers)
        const inGroup = Effect.map(
          Effect.promise(() => admin.describeGroups([`${world.prefix}work`])),
          ({ groups }) => (groups[0]!.state === "Stable" ? groups[0]!.members.map(({ memberId }) => memberId) : [])
        )
        yield* untilSo(
          "it is in the group",
          Effect.map(inGroup, (all) => all.length === 1)
        )
        const before = joins
        const member = yield* inGroup
        yield* world.broker.append([recordOf(topic, `{"n":1}`, { key: bytes("ann") })])
        yield* until("it has run", () => seen.lines.length === 2, 20)
        assert.deepStrictEqual(seen.lines, ["+long", "-long"])
        assert.strictEqual(joins, before)
        assert.deepStrictEqual(yield* inGroup, member)
        assert.strictEqual(member.length, 1)
        assert.strictEqual([...worker!.lanes[0]!.owned.values()][0]!.epoch, 1)
      }),
    60_000
  )
})
