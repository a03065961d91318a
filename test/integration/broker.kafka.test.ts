/** What topics in Kafka have to stand beyond the contract: lost answers, transactions of others, deaths, two ways in. */
import { assert, it } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Fiber, Layer, Redacted } from "effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { texts } from "../../src/database/columns.ts"
import { recordOf } from "../contract/brokerContract.ts"
import { readGroup } from "../support/groupReader.ts"
import { bytes } from "../support/journalRows.ts"
import { api, once, startFaultProxy } from "../support/kafka/FaultProxy.ts"
import { describeOnKafka, describeOnOwnKafka, describeOnSecuredKafka } from "../support/kafka/kafka.ts"
import { startKafka } from "../support/kafka/startKafka.ts"
import { kafkaProcess } from "../support/kafkaProcess.ts"
import { adminOf, kafkaOf, kafkaWorld, topic, valuesOf } from "../support/kafkaWorld.ts"
import { clientOf } from "../support/migrated.ts"
import { until, untilSo } from "../support/until.ts"

describeOnKafka("topics in Kafka", () => {
  it.live("take what a transaction hands over, in its order, once it has committed, and not where it has not", () =>
    Effect.gen(function* () {
      const { broker, sql } = yield* kafkaWorld(1)
      yield* sql`CREATE TABLE beside (id text PRIMARY KEY)`
      const preface = (id: string) => ({
        insert: (first: number) => `INSERT INTO beside (id) SELECT * FROM unnest($${first}::text[])`,
        parameters: [texts([id])]
      })
      yield* broker.handOver([recordOf(topic, "a"), recordOf(topic, "b")], preface("one"))
      const error = yield* Effect.flip(broker.handOver([recordOf(topic, "lost")], preface("one")))
      assert.isFalse(error.isRetryable)
      const refused = yield* Effect.flip(broker.handOver([recordOf(topic, "lost", { partition: 9 })], preface("two")))
      assert.strictEqual(refused.reason._tag, "RecordRefused")
      yield* broker.handOver([recordOf(topic, "c")])
      yield* untilSo(
        "all are there",
        Effect.map(valuesOf(broker), (all) => all.length >= 3)
      )
      assert.deepStrictEqual(yield* valuesOf(broker), ["a", "b", "c"])
      yield* untilSo(
        "nothing is on its way",
        Effect.map(sql<{ n: bigint }>`SELECT count(*) AS n FROM outbox`, ([row]) => row!.n === 0n)
      )
      assert.deepStrictEqual(yield* sql`SELECT id FROM beside`, [{ id: "one" }])
    })
  )

  it.live("take what is handed over although the process that was to pass it on is gone", () =>
    Effect.gen(function* () {
      const { broker, process, sql } = yield* kafkaWorld(1)
      yield* Effect.scoped(Effect.flatMap(process, (other) => other.handOver([recordOf(topic, "a")])))
      yield* sql`INSERT INTO outbox (topic, partition, key, value, headers) VALUES (${topic}, 0, null, ${bytes("b")}, '{}')`
      yield* untilSo(
        "both are there",
        Effect.map(valuesOf(broker), (all) => all.length === 2)
      )
      assert.deepStrictEqual(yield* valuesOf(broker), ["a", "b"])
    })
  )

  it.live("are relayed by one process, and who waits to be it holds no connection that would outlive a kill", () =>
    Effect.gen(function* () {
      const { process, sql } = yield* kafkaWorld(1)
      yield* process
      yield* process
      const ofRelays = sql<{ query: string; waits: boolean }>`
        SELECT query, wait_event_type = 'Lock' AS waits FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'postroom relay'`
      yield* untilSo(
        "all three have asked to be the relay",
        Effect.map(ofRelays, (rows) => rows.filter(({ query }) => query !== "").length === 3)
      )
      // A connection that waits for a lock does not see its process die.
      assert.isFalse((yield* ofRelays).some(({ waits }) => waits))
    })
  )

  it.live("are passed on by another where the relay has fallen silent", () =>
    Effect.gen(function* () {
      const { broker, url, sql } = yield* kafkaWorld(1, { sessionTimeoutMs: 6_000 })
      // A holder of the lock that says nothing more, as one that is frozen.
      const silent = Context.get(yield* Layer.build(clientOf(url, 1)), PgClient.PgClient)
      yield* untilSo(
        "somebody else holds the lock",
        Effect.gen(function* () {
          yield* sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'postroom relay'`
          const [row] = yield* silent<{ taken: boolean }>`SELECT pg_try_advisory_lock(${0x72656c79}::int4, 1) AS taken`
          return row!.taken
        })
      )
      const holders = sql<{ pid: number }>`
        SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = ${0x72656c79}::int4 AND granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
      const [before] = yield* holders
      yield* untilSo(
        "the relay knows that it is none any more",
        Effect.map(
          sql`SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
            AND application_name = 'postroom relay' AND query LIKE '%pg_terminate_backend%'`,
          (rows) => rows.length === 1
        )
      )
      yield* broker.handOver([recordOf(topic, "a")])
      yield* untilSo(
        "it is passed on all the same",
        Effect.map(valuesOf(broker), (all) => all.length === 1),
        30
      )
      assert.notStrictEqual((yield* holders)[0]?.pid, before!.pid)
    })
  )

  it.live("show nothing of transactions that were rolled back, also of two at once, and any key there is", () =>
    Effect.gen(function* () {
      const { broker, brokers, prefix } = yield* kafkaWorld(1)
      const kafka = kafkaOf(brokers)
      const begin = (name: string) =>
        Effect.gen(function* () {
          const producer = yield* Effect.acquireRelease(
            Effect.promise(async () => {
              const made = kafka.producer({ transactionalId: `${prefix}${name}`, maxInFlightRequests: 1 })
              await made.connect()
              return made
            }),
            (made) => Effect.promise(() => made.disconnect())
          )
          const transaction = yield* Effect.promise(() => producer.transaction())
          const send = (value: string) =>
            Effect.promise(() =>
              transaction.send({
                topic: prefix + topic,
                messages: [{ partition: 0, key: Buffer.alloc(4), value, headers: {} }]
              })
            )
          return { send, transaction }
        })
      const [one, two, three] = [yield* begin("one"), yield* begin("two"), yield* begin("three")]
      yield* one.send("rolled back")
      yield* two.send("rolled back")
      yield* three.send("kept")
      yield* one.send("rolled back")
      yield* Effect.promise(() => one.transaction.abort())
      yield* two.send("rolled back")
      yield* Effect.promise(() => two.transaction.abort())
      yield* Effect.promise(() => three.transaction.commit())
      const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
      yield* until("the kept one is read", () => reader.records.length > 0)
      yield* broker.append([recordOf(topic, "after")])
      yield* until("and what is behind the marks", () => reader.records.length > 1)
      assert.deepStrictEqual(
        reader.records.map(({ value }) => new TextDecoder().decode(value!)),
        ["kept", "after"]
      )
    })
  )

  it.live(
    "give a killed member's partitions to another, and take it out of the group, long before Kafka would miss it",
    () =>
      Effect.gen(function* () {
        // Kafka waits a minute for a member; what this test waits for takes less or it fails.
        const { broker, brokers, url, prefix } = yield* kafkaWorld(6, { sessionTimeoutMs: 60_000 })
        const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
        const script = fileURLToPath(new URL("../support/group-member-child.ts", import.meta.url))
        const child = yield* Effect.acquireRelease(
          Effect.sync(() =>
            spawn(process.execPath, [script, Redacted.value(url), "g", topic, brokers[0]!, prefix], {
              stdio: ["ignore", "pipe", "inherit"]
            })
          ),
          (started) => Effect.sync(() => started.kill("SIGKILL"))
        )
        let said = ""
        child.stdout.on("data", (data: Buffer) => (said = data.toString().trim().split("\n").at(-1) ?? ""))
        yield* until("they share", () => said === "3" && reader.held.size === 3)
        const admin = yield* adminOf(brokers)
        const shown = (count: number) =>
          untilSo(
            `Kafka shows ${count}`,
            Effect.map(
              Effect.promise(() => admin.describeGroups([`${prefix}g`])),
              ({ groups }) => groups[0]!.state === "Stable" && groups[0]!.members.length === count
            )
          )
        yield* shown(2)
        child.kill("SIGKILL")
        yield* until("all is held by the survivor", () => reader.held.size === 6)
        yield* shown(1)
      })
  )

  it.live("show their members and how far they are to Kafka's own tools", () =>
    Effect.gen(function* () {
      const { broker, brokers, prefix } = yield* kafkaWorld(2)
      const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
      yield* until("both are held", () => reader.held.size === 2)
      yield* broker.append([recordOf(topic, "a", { partition: 1 })])
      yield* until("it is read", () => reader.records.length === 1)
      yield* reader.membership.commit(1, 1)
      const admin = yield* adminOf(brokers)
      const groupId = `${prefix}g`
      yield* untilSo(
        "it is in the group",
        Effect.map(
          Effect.promise(() => admin.describeGroups([groupId])),
          ({ groups }) => groups[0]!.state === "Stable" && groups[0]!.members.length === 1
        )
      )
      yield* untilSo(
        "how far it is is known",
        Effect.map(
          Effect.promise(() => admin.fetchOffsets({ groupId, topics: [prefix + topic] })),
          ([offsets]) => offsets!.partitions.find(({ partition }) => partition === 1)?.offset === "1"
        )
      )
    })
  )
})

describeOnOwnKafka("topics in a Kafka that fails", () => {
  it.live("hold a record once whose acknowledgement was lost, and those behind it in order", () =>
    Effect.gen(function* () {
      const proxy = yield* startFaultProxy
      const cluster = yield* startKafka({ advertised: [proxy.address] })
      proxy.standBefore(cluster.direct[0]!)
      const { broker } = yield* kafkaWorld(1, { brokers: [proxy.address] })
      yield* broker.append([recordOf(topic, "a")])
      proxy.onAnswer(once(api.produce, "cut"))
      const sent = yield* Effect.all(
        ["b", "c"].map((value) => broker.append([recordOf(topic, value)])),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        sent.flat().map(({ offset }) => offset),
        [1, 2]
      )
      assert.deepStrictEqual(yield* valuesOf(broker), ["a", "b", "c"])
    })
  )

  it.live("are read on where their broker was killed and has come back", () =>
    Effect.gen(function* () {
      const cluster = yield* startKafka()
      const { broker } = yield* kafkaWorld(2, { brokers: cluster.bootstrap })
      const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
      yield* broker.append([recordOf(topic, "a", { partition: 0 })])
      yield* until("the first is read", () => reader.records.length === 1)
      yield* cluster.kill(1)
      const sending = yield* Effect.forkChild(
        broker.append([recordOf(topic, "b", { partition: 0 })]).pipe(Effect.retry({ times: 20 }))
      )
      yield* cluster.start(1)
      yield* Fiber.join(sending)
      yield* until("the second is read", () => reader.records.length === 2)
      assert.deepStrictEqual(
        reader.records.map(({ offset }) => offset),
        [0, 1]
      )
    })
  )

  it.live(
    "lose nothing and keep their order while the leaders of three brokers come and go",
    () =>
      Effect.gen(function* () {
        const cluster = yield* startKafka({ brokers: 3 })
        const { broker } = yield* kafkaWorld(3, { brokers: cluster.bootstrap })
        const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
        let sent = 0
        const some = Effect.gen(function* () {
          for (let i = 0; i < 20; i++) {
            const value = String(sent++)
            yield* broker.append([recordOf(topic, value, { key: bytes("ann") })]).pipe(Effect.retry({ times: 50 }))
          }
        })
        yield* some
        for (const node of [1, 2, 3]) {
          yield* cluster.kill(node)
          yield* some
          yield* cluster.start(node)
          yield* some
        }
        // A try after an answer that never came may stand twice; the first time is what counts, and in order.
        const seen = () => [...new Set(reader.records.map(({ value }) => Number(new TextDecoder().decode(value!))))]
        yield* until("all are read", () => seen().length === sent, 60)
        assert.deepStrictEqual(
          seen(),
          Array.from({ length: sent }, (_, n) => n)
        )
      }),
    180_000
  )
})

describeOnSecuredKafka("topics in a Kafka that is locked", () => {
  it.live("are there for who has the name and the password, and for nobody else", () =>
    Effect.gen(function* () {
      const login = { username: "postroom", password: "right" }
      const { bootstrap, certificate } = yield* startKafka({ secured: login })
      const as = (password: string) => ({
        brokers: bootstrap,
        ssl: { ca: certificate! },
        sasl: { mechanism: "scram-sha-512" as const, username: login.username, password }
      })
      const { broker, url } = yield* kafkaWorld(1, as("right"))
      yield* broker.append([recordOf(topic, "a")])
      assert.deepStrictEqual(yield* valuesOf(broker), ["a"])
      const error = yield* Effect.flip(kafkaProcess(url, as("wrong")))
      assert.match(error.message, /authentication/i)
    })
  )
})
