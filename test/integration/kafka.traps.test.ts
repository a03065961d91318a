/** What Kafka does to its clients, one by one: each test is a line of the table in docs/reliability/KAFKA.md. */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, Scope } from "effect"
import { AssignerProtocol } from "kafkajs"
import { makeClient } from "../../src/broker/kafka/client.ts"
import { evict } from "../../src/broker/kafka/GroupMember.ts"
import { layer as kafkaLayer } from "../../src/broker/kafka/KafkaBroker.ts"
import { readQueues } from "../../src/journal/sql/History.ts"
import type { Actor } from "../../src/runtime/Actor.ts"
import { recordOf } from "../contract/brokerContract.ts"
import { readGroup } from "../support/groupReader.ts"
import { bytes } from "../support/journalRows.ts"
import { describeOnKafka } from "../support/kafka/kafka.ts"
import { adminOf, kafkaOf, kafkaWorld, topic, valuesOf } from "../support/kafkaWorld.ts"
import { postgresWorker } from "../support/postgresWorker.ts"
import { actorOf, makeObserver } from "../support/runtimeWorld.ts"
import { until, untilSo } from "../support/until.ts"

type World = Effect.Success<ReturnType<typeof kafkaWorld>>

/** A process that works on the topic of the world. */
const workerOn = ({ url, brokers, prefix }: World, actors: ReadonlyArray<Actor>) =>
  postgresWorker(url, actors, {}, Layer.orDie(kafkaLayer({ brokers, prefix })))

const numbered = (user: string, n: number, partition?: number) =>
  recordOf(topic, JSON.stringify({ n }), {
    key: bytes(user),
    headers: { ce_id: `${user}-${n}` },
    ...(partition === undefined ? {} : { partition })
  })

/** What is logged while the effect runs, as lines. */
const logged = <A, E, R>(run: (lines: ReadonlyArray<string>) => Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => void lines.push(String(message)))
  return Effect.provide(run(lines), Logger.layer([logger]))
}

describeOnKafka("in Kafka", () => {
  it.live("marks of transactions at the end of a log leave nothing unread", () =>
    Effect.gen(function* () {
      const world = yield* kafkaWorld(1)
      const seen = makeObserver()
      const { services } = yield* workerOn(world, [actorOf(({ n }) => seen.around(String(n), Effect.void))])
      const producer = yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const made = kafkaOf(world.brokers).producer({ transactionalId: world.prefix, maxInFlightRequests: 1 })
          await made.connect()
          return made
        }),
        (made) => Effect.promise(() => made.disconnect())
      )
      for (const [n, end] of [
        [1, "abort"],
        [2, "commit"],
        [3, "abort"]
      ] as const) {
        yield* Effect.promise(async () => {
          const transaction = await producer.transaction()
          await transaction.send({ topic: world.prefix + topic, messages: [{ partition: 0, value: `{"n":${n}}` }] })
          await transaction[end]()
        })
      }
      const unread = Effect.map(Effect.provideContext(readQueues, services), ([queue]) => queue!.unread)
      yield* until("what was kept has run", () => seen.lines.includes("-2"))
      yield* untilSo(
        "all six places are passed",
        Effect.map(world.sql<{ at: bigint }>`SELECT next_offset AS at FROM assignment`, ([row]) => row!.at === 6n)
      )
      yield* untilSo(
        "nothing is unread",
        Effect.map(unread, (n) => n === 0)
      )
      assert.deepStrictEqual(seen.lines, ["+2", "-2"])
    })
  )

  it.live("400 tasks that nobody has told Kafka of are not run again when a second member joins", () =>
    Effect.gen(function* () {
      const world = yield* kafkaWorld(4)
      const seen = makeObserver()
      const actor = actorOf(({ n }, task) => seen.around(`${task.user}:${n}`, Effect.void), { partitions: 4 })
      const one = yield* workerOn(world, [actor])
      const owned = () => one.worker!.lanes[0]!.owned
      yield* until("it holds all", () => owned().size === 4)
      yield* world.broker.append(Array.from({ length: 400 }, (_, n) => numbered(`user${n % 40}`, n)))
      yield* until("all have run", () => seen.lines.length === 800)
      const before = [...owned().values()].map(({ epoch, partition }) => `${partition}/${epoch}`)
      const two = yield* workerOn(world, [actor])
      yield* until("they share", () => owned().size === 2 && two.worker!.lanes[0]!.owned.size === 2)
      yield* world.broker.append([0, 1, 2, 3].map((partition) => numbered(`after${partition}`, 400, partition)))
      yield* until("what comes after has run", () => seen.lines.length >= 808)
      assert.strictEqual(seen.lines.length, 808)
      // What it kept it kept: it was not taken anew.
      for (const { epoch, partition } of owned().values()) assert.include(before, `${partition}/${epoch}`)
    })
  )

  it.live("what was paused as a whole is read within 300 ms after it is resumed", () =>
    Effect.gen(function* () {
      const { broker } = yield* kafkaWorld(2)
      const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
      yield* until("all is held", () => reader.held.size === 2)
      for (let round = 1; round <= 5; round++) {
        yield* reader.membership.pause([0, 1])
        yield* broker.append([recordOf(topic, "a", { partition: 0 }), recordOf(topic, "b", { partition: 1 })])
        const before = reader.records.length
        const resumedAt = performance.now()
        yield* reader.membership.resume([0, 1])
        yield* until("both are read", () => reader.records.length === 2 * round)
        assert.isAtMost(before, 2 * (round - 1))
        assert.isBelow(performance.now() - resumedAt, 300)
      }
    })
  )

  it.live("a pause holds while members come and go", () =>
    Effect.gen(function* () {
      const { broker, process } = yield* kafkaWorld(2)
      const one = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
      yield* until("all is held", () => one.held.size === 2)
      yield* one.membership.pause([0, 1])
      const scope = yield* Scope.make()
      const two = yield* Scope.provide(
        Effect.flatMap(process, (other) => readGroup(other, { group: "g", topic })),
        scope
      )
      yield* until("they share", () => one.held.size === 1 && two.held.size === 1)
      const [kept] = [...one.held]
      yield* broker.append([recordOf(topic, "a", { partition: kept! })])
      yield* Scope.close(scope, Exit.void)
      yield* until("it holds all again", () => one.held.size === 2)
      yield* broker.append([recordOf(topic, "b", { partition: 1 - kept! })])
      yield* until("what came back is read", () => one.records.length > 0)
      assert.deepStrictEqual(
        one.records.map(({ partition }) => partition),
        [1 - kept!]
      )
      yield* one.membership.resume([kept!])
      yield* until("and what was kept", () => one.records.length === 2)
    })
  )

  it.live("three rebalances within a second leave each partition with one owner, and mailboxes of no others", () =>
    Effect.gen(function* () {
      const world = yield* kafkaWorld(12)
      const seen = makeObserver()
      const actor = actorOf(({ n }, task) => seen.around(`${task.user}:${n}`, Effect.sleep("30 millis")), {
        partitions: 12
      })
      const first = yield* workerOn(world, [actor])
      yield* until("it holds all", () => first.worker!.lanes[0]!.owned.size === 12)
      yield* world.broker.append(Array.from({ length: 600 }, (_, n) => numbered(`user${n % 60}`, Math.floor(n / 60))))
      const [second, third] = [yield* workerOn(world, [actor]), yield* workerOn(world, [actor])]
      yield* second.stop
      const fourth = yield* workerOn(world, [actor])
      const workers = [first, third, fourth]
      yield* until("all have run", () => seen.lines.filter((line) => line.startsWith("-")).length >= 600, 30)
      yield* until("three share", () => workers.every(({ worker }) => worker!.lanes[0]!.owned.size === 4), 5)
      const owned = workers.flatMap(({ worker }) => [...worker!.lanes[0]!.owned.keys()])
      assert.deepStrictEqual(
        owned.sort((a, b) => a - b),
        Array.from({ length: 12 }, (_, p) => p)
      )
      for (const { worker } of workers) {
        const [lane] = worker!.lanes
        for (const box of lane!.boxes.bySlot.values()) assert.isTrue(lane!.owned.has(box.partition))
      }
      for (let user = 0; user < 60; user++) {
        const ends = seen.lines.filter((line) => line.startsWith(`-user${user}:`)).map((line) => line.split(":")[1])
        // A repeat would be a task that ended and was not written: none is lost sight of here, drains are in time.
        assert.deepStrictEqual(
          ends,
          Array.from({ length: 10 }, (_, n) => String(n))
        )
      }
    })
  )

  it.live("a member that ends while it joins is out of the group at once, not when its session would be over", () =>
    Effect.gen(function* () {
      // The first learns that the group changes after 700 ms: so long the second one's join is on its way.
      const { broker, brokers, prefix, process } = yield* kafkaWorld(2, { heartbeatMs: 700 })
      const reader = yield* readGroup(broker, { group: "g", topic })
      yield* until("all is held", () => reader.held.size === 2)
      const admin = yield* adminOf(brokers)
      const group = Effect.map(
        Effect.promise(() => admin.describeGroups([`${prefix}g`])),
        ({ groups }) => groups[0]!
      )
      const scope = yield* Scope.make()
      yield* Scope.provide(
        Effect.flatMap(process, (other) => readGroup(other, { group: "g", topic })),
        scope
      )
      yield* untilSo(
        "it joins",
        Effect.map(group, ({ state }) => state === "PreparingRebalance")
      )
      yield* Scope.close(scope, Exit.void)
      yield* untilSo(
        "the first is alone",
        Effect.map(group, ({ state, members }) => state === "Stable" && members.length === 1),
        5
      )
    })
  )

  it.live("a member that is frozen in the middle of a rebalance keeps no partition from those that live", () =>
    Effect.gen(function* () {
      const { broker, brokers, prefix, process } = yield* kafkaWorld(2)
      const client = yield* makeClient({ brokers, prefix, ssl: false, sasl: null })
      const cluster = yield* client.cluster
      // It asks to join and is not heard of again: until its session is over the coordinator deals nothing.
      const groupId = `${prefix}g`
      const userData = Buffer.alloc(4)
      const metadata = AssignerProtocol.MemberMetadata.encode({ version: 1, topics: [prefix + topic], userData })
      const frozen = yield* Effect.promise(async () => {
        const node = await cluster.findGroupCoordinator({ groupId })
        const groupProtocols = [{ name: "postroom", metadata }]
        return node.joinGroup({
          groupId,
          sessionTimeout: 60_000,
          rebalanceTimeout: 60_000,
          memberId: "",
          groupProtocols
        })
      })
      const one = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
      yield* until("all is held", () => one.held.size === 2)
      const two = yield* readGroup(yield* process, { group: "g", topic, from: () => 0 })
      yield* until("they share", () => one.held.size === 1 && two.held.size === 1)
      const admin = yield* adminOf(brokers)
      const { groups } = yield* Effect.promise(() => admin.describeGroups([groupId]))
      assert.notStrictEqual(groups[0]!.state, "Stable")
      yield* evict(cluster, groupId, frozen.memberId)
      // And those that live are shown, once it is gone.
      yield* untilSo(
        "Kafka shows the two",
        Effect.map(
          Effect.promise(() => admin.describeGroups([groupId])),
          (now) => now.groups[0]!.state === "Stable" && now.groups[0]!.members.length === 2
        ),
        15
      )
    })
  )

  it.live("how far a group is reaches Kafka although it could not be told at the time", () =>
    Effect.gen(function* () {
      const { broker, brokers, prefix } = yield* kafkaWorld(1, { heartbeatMs: 300 })
      const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
      yield* until("it is held", () => reader.held.size === 1)
      const admin = yield* adminOf(brokers)
      const groupId = `${prefix}g`
      const members = Effect.map(
        Effect.promise(() => admin.describeGroups([groupId])),
        ({ groups }) => groups[0]!.members.map(({ memberId }) => memberId)
      )
      yield* untilSo(
        "it is in the group",
        Effect.map(members, (all) => all.length === 1)
      )
      const client = yield* makeClient({ brokers, prefix, ssl: false, sasl: null })
      yield* evict(yield* client.cluster, groupId, (yield* members)[0]!)
      // Its name is not known any more: this is refused.
      yield* reader.membership.commit(0, 7)
      yield* untilSo(
        "Kafka knows it",
        Effect.map(
          Effect.promise(() => admin.fetchOffsets({ groupId, topics: [prefix + topic] })),
          ([at]) => at!.partitions[0]?.offset === "7"
        )
      )
    })
  )

  it.live("a live member that was taken for dead and evicted comes back, and nothing is read twice", () =>
    Effect.gen(function* () {
      const { broker, brokers, prefix } = yield* kafkaWorld(2)
      const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
      yield* until("all is held", () => reader.held.size === 2)
      const admin = yield* adminOf(brokers)
      const members = Effect.map(
        Effect.promise(() => admin.describeGroups([`${prefix}g`])),
        ({ groups }) => groups[0]!.members.map(({ memberId }) => memberId)
      )
      yield* untilSo(
        "it is in the group",
        Effect.map(members, (all) => all.length === 1)
      )
      const [before] = yield* members
      const client = yield* makeClient({ brokers, prefix, ssl: false, sasl: null })
      yield* evict(yield* client.cluster, `${prefix}g`, before!)
      yield* broker.append([recordOf(topic, "a", { partition: 0 }), recordOf(topic, "b", { partition: 1 })])
      yield* untilSo(
        "it is back under another name",
        Effect.map(members, (all) => all.length === 1 && all[0] !== before)
      )
      yield* until("both are read", () => reader.records.length >= 2)
      yield* reader.membership.commit(0, 1)
      assert.strictEqual(reader.records.length, 2)
      assert.deepStrictEqual(reader.log, ["Assigned 0,1"])
    })
  )

  it.live("a member whose session with the database ended takes part by the next one, by which shares are dealt", () =>
    Effect.gen(function* () {
      const { broker, brokers, prefix, sql } = yield* kafkaWorld(2)
      const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
      yield* until("all is held", () => reader.held.size === 2)
      const admin = yield* adminOf(brokers)
      const isBySession = Effect.gen(function* () {
        const { groups } = yield* Effect.promise(() => admin.describeGroups([`${prefix}g`]))
        const [row] = yield* sql<{ session: bigint }>`SELECT session FROM group_member`
        const [member] = groups[0]!.members
        const dealtBy = AssignerProtocol.MemberMetadata.decode(member!.memberMetadata)!.userData.readUInt32BE()
        return BigInt(dealtBy) === row!.session
      })
      yield* untilSo("it takes part by its session", isBySession)
      yield* sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'postroom session'`
      yield* until("it was told and came back", () => reader.log.length >= 3 && reader.held.size === 2)
      assert.strictEqual(reader.log[1], "Lost 0,1")
      yield* untilSo("it takes part by the next", isBySession, 5)
    })
  )

  it.live("a commit for a partition that is not held is not made", () =>
    Effect.gen(function* () {
      const { broker, process } = yield* kafkaWorld(2)
      const one = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
      const two = yield* readGroup(yield* process, { group: "g", topic, from: () => 0 })
      yield* until("they share", () => one.held.size === 1 && two.held.size === 1)
      const [mine] = [...one.held]
      yield* one.membership.commit(mine!, 5)
      yield* one.membership.commit(1 - mine!, 7)
      const lag = yield* broker.lag("g", topic)
      assert.deepStrictEqual(
        lag.map(({ committed }) => committed),
        mine === 0 ? [5, 0] : [0, 5]
      )
    })
  )

  it.live("a record is kept without the answer it came in", () =>
    Effect.gen(function* () {
      const { broker } = yield* kafkaWorld(1)
      yield* broker.append(Array.from({ length: 50 }, () => recordOf(topic, "x".repeat(200), { key: bytes("ann") })))
      for (const { key, value } of yield* broker.read({ topic, partition: 0, from: 0, limit: 50 })) {
        assert.strictEqual(value!.buffer.byteLength, 200)
        assert.strictEqual(key!.buffer.byteLength, 3)
      }
    })
  )

  it.live("a record on its way that Kafka will never take is told of, and keeps back nothing behind it", () =>
    logged((lines) =>
      Effect.gen(function* () {
        const { broker, brokers, prefix } = yield* kafkaWorld(1)
        const admin = yield* adminOf(brokers)
        yield* Effect.promise(() =>
          admin.alterConfigs({
            validateOnly: false,
            resources: [
              { type: 2, name: prefix + topic, configEntries: [{ name: "max.message.bytes", value: "2000" }] }
            ]
          })
        )
        const small = ["a", "b"].map((value) => recordOf(topic, value))
        yield* broker.handOver([small[0]!, recordOf(topic, "x".repeat(5_000)), small[1]!])
        yield* untilSo(
          "those around it are there",
          Effect.map(valuesOf(broker), (all) => all.join() === "a,b")
        )
        assert.isTrue(lines.some((line) => line.includes("Kafka refused a record, which is dropped")))
      })
    )
  )

  it.live("what was deleted before it was read is told of, and what is left is read", () =>
    logged((lines) =>
      Effect.gen(function* () {
        const { broker, brokers, prefix } = yield* kafkaWorld(1)
        yield* broker.append(["a", "b", "c", "d"].map((value) => recordOf(topic, value)))
        const admin = yield* adminOf(brokers)
        yield* Effect.promise(() => admin.fetchTopicOffsets(prefix + topic))
        yield* Effect.promise(() =>
          admin.deleteTopicRecords({ topic: prefix + topic, partitions: [{ partition: 0, offset: "3" }] })
        )
        const reader = yield* readGroup(broker, { group: "g", topic, from: () => 1 })
        yield* until("the rest is read", () => reader.records.length === 1)
        assert.strictEqual(reader.records[0]!.offset, 3)
        assert.isTrue(lines.some((line) => line.includes("offsets 1 to 2 of partition 0 are gone from the log")))
      })
    )
  )

  it.live("a topic that was made anew under its name is not taken for the one it was", () =>
    logged((lines) =>
      Effect.gen(function* () {
        const { broker, brokers, prefix } = yield* kafkaWorld(1)
        const name = prefix + topic
        const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
        yield* broker.append(["a", "b", "c"].map((value) => recordOf(topic, value)))
        yield* until("all is read", () => reader.records.length === 3)
        const admin = yield* adminOf(brokers)
        yield* Effect.promise(() => admin.deleteTopics({ topics: [name] }))
        yield* untilSo(
          "it is made anew",
          Effect.promise(() =>
            admin.createTopics({ topics: [{ topic: name, numPartitions: 1 }], waitForLeaders: true })
          )
        )
        yield* Effect.retry(broker.append([recordOf(topic, "new")]), { times: 50 })
        yield* until("that is told", () =>
          lines.some((line) => line.includes("partition 0 ends at 1, and 3 was read: the log is not the one it was"))
        )
        assert.strictEqual(reader.records.length, 3)
      })
    )
  )

  it.live("partitions that somebody else added are refused at the next start, which says how to take them over", () =>
    Effect.gen(function* () {
      const { broker, brokers, prefix, process } = yield* kafkaWorld(2)
      const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
      const admin = yield* adminOf(brokers)
      yield* Effect.promise(() => admin.createPartitions({ topicPartitions: [{ topic: prefix + topic, count: 3 }] }))
      const error = yield* Effect.flip(
        Effect.flatMap(process, (next) => next.ensureTopics([{ name: topic, partitions: 2, retentionMs: 1_000 }]))
      )
      assert.deepInclude(error.reason, { _tag: "PartitionsChanged", known: 2, actual: 3 })
      assert.include(error.message, `"postroom topics grow ${topic} --partitions 3"`)
      // What runs goes on with the partitions it knows.
      yield* broker.append([recordOf(topic, "a", { partition: 0 }), recordOf(topic, "b", { partition: 1 })])
      yield* until("both are read", () => reader.records.length === 2)
    })
  )
})
