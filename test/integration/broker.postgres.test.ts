/** What topics in Postgres do beyond the contract: transactions, dead sessions, killed processes. */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Layer, Queue, Redacted } from "effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Broker } from "../../src/broker/Broker.ts"
import { layer as postgresBroker } from "../../src/broker/postgres/PostgresBroker.ts"
import { texts } from "../../src/database/columns.ts"
import { brokerProcess } from "../support/brokerProcess.ts"
import { readGroup } from "../support/groupReader.ts"
import { bytes } from "../support/journalRows.ts"
import { clientOf, migratedDatabase } from "../support/migrated.ts"
import { connect } from "../support/postgres.ts"
import { until } from "../support/until.ts"

const topic = "t"
const record = (value: string, partition = 0) => ({ topic, key: null, value: bytes(value), headers: {}, partition })

/** A fresh database with one topic, and the broker and client of a first process. */
const world = (partitions = 4) =>
  Effect.gen(function* () {
    const { url } = yield* migratedDatabase
    const context = yield* Layer.build(Layer.provideMerge(postgresBroker(), clientOf(url)))
    const broker = Context.get(context, Broker)
    yield* broker.ensureTopics([{ name: topic, partitions, retentionMs: 1_000 }])
    return { url, broker, sql: Context.get(context, PgClient.PgClient) }
  })

const values = (broker: Broker["Service"]) =>
  Effect.map(broker.read({ topic, partition: 0, from: 0, limit: 100 }), (records) =>
    records.map((r) => `${r.offset}:${new TextDecoder().decode(r.value!)}`)
  )

describe("topics in Postgres", () => {
  it.live("an append within a transaction goes with it, and one that is rolled back leaves no gap", () =>
    Effect.gen(function* () {
      const { broker, sql } = yield* world()
      yield* broker.append([record("a")])
      const exit = yield* Effect.exit(
        sql.withTransaction(
          Effect.andThen(broker.append([record("lost"), record("lost")]), Effect.fail("changed my mind"))
        )
      )
      assert.isTrue(Exit.isFailure(exit))
      yield* sql.withTransaction(Effect.andThen(broker.append([record("b")]), broker.append([record("c")])))
      assert.deepStrictEqual(yield* values(broker), ["0:a", "1:b", "2:c"])
    })
  )

  it.live("a preface and its records are written together, before them, or not at all", () =>
    Effect.gen(function* () {
      const { broker, sql } = yield* world()
      yield* sql`CREATE TABLE beside (id text PRIMARY KEY)`
      const preface = (...ids: ReadonlyArray<string>) => ({
        insert: (first: number) => `INSERT INTO beside (id) SELECT * FROM unnest($${first}::text[])`,
        parameters: [texts(ids)]
      })
      yield* broker.handOver([record("a")], preface("one"))
      const error = yield* Effect.flip(broker.handOver([record("lost")], preface("two", "one")))
      assert.isFalse(error.isRetryable)
      const refused = yield* Effect.flip(broker.handOver([record("lost", 99)], preface("three")))
      assert.strictEqual(refused.reason._tag, "RecordRefused")
      yield* broker.handOver([record("b"), record("c")], preface("four"))
      assert.deepStrictEqual(yield* values(broker), ["0:a", "1:b", "2:c"])
      const rows = yield* sql<{ id: string }>`SELECT id FROM beside ORDER BY id`
      assert.deepStrictEqual(
        rows.map(({ id }) => id),
        ["four", "one"]
      )
    })
  )

  it.live("records of an open transaction are seen by nobody, and wake readers when it commits", () =>
    Effect.gen(function* () {
      const { broker, sql } = yield* world()
      const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
      yield* until("all is held", () => reader.held.size === 4)
      const appended = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      yield* Effect.forkScoped(
        sql.withTransaction(
          broker
            .append([record("a")])
            .pipe(Effect.andThen(Deferred.succeed(appended, undefined)), Effect.andThen(Deferred.await(go)))
        )
      )
      yield* Deferred.await(appended)
      assert.deepStrictEqual(yield* values(broker), [])
      yield* broker.append([record("z", 1)])
      yield* until("the other partition goes on", () => reader.records.length === 1)
      yield* Deferred.succeed(go, undefined)
      yield* until("the record is read", () => reader.records.length === 2)
    })
  )

  it.live(
    "records that come with their note and records that are fetched make one order, each once and unchanged",
    () =>
      Effect.gen(function* () {
        const { url, broker } = yield* world(1)
        const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
        yield* until("the partition is held", () => reader.held.size === 1)
        const other = Context.get(yield* Layer.build(Layer.provideMerge(postgresBroker(), clientOf(url))), Broker)
        const odd = { topic, key: bytes("kü\u0000"), value: null, headers: { "ä\n": "\u{1F600} \n 1 2" } }
        const large = "x".repeat(9_000)
        let appended = 0
        for (const batch of [["a"], ["b", "c"], ["d"], [large], ["e"], ["f"]]) {
          // The pause after which an append takes its note along.
          yield* Effect.sleep("6 millis")
          yield* other.append([...batch.map((value) => record(value)), ...(batch.length === 1 ? [] : [odd])])
          yield* Effect.sleep("6 millis")
          yield* other.append([odd])
          yield* other.append([record("at once")])
          appended += batch.length + (batch.length === 1 ? 0 : 1) + 2
        }
        yield* until("all is read", () => reader.records.length >= appended)
        const kept = yield* broker.read({ topic, partition: 0, from: 0, limit: 100 })
        assert.deepStrictEqual(reader.records, kept)
      })
  )

  it.live("a member whose session is cut is told that it lost all, and takes part again with a new one", () =>
    Effect.gen(function* () {
      const { url, broker } = yield* world()
      const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
      yield* until("all is held", () => reader.held.size === 4)
      const admin = yield* connect(url)
      const cut = yield* admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'postroom session'`
      assert.strictEqual(cut.length, 1)
      yield* until("it was told and came back", () => reader.log.length >= 3 && reader.held.size === 4)
      assert.strictEqual(reader.log[1], "Lost 0,1,2,3")
      yield* broker.append([record("after")])
      yield* until("it reads again", () => reader.records.length === 1)
    })
  )

  it.live(
    "the partitions of a process that was killed are another's within two seconds, long before any time-out",
    () =>
      Effect.gen(function* () {
        const { url, broker } = yield* world(6)
        const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
        const script = fileURLToPath(new URL("../support/group-member-child.ts", import.meta.url))
        const child = yield* Effect.acquireRelease(
          Effect.sync(() =>
            spawn(process.execPath, [script, Redacted.value(url), "g", topic], { stdio: ["ignore", "pipe", "inherit"] })
          ),
          (started) => Effect.sync(() => started.kill("SIGKILL"))
        )
        let said = ""
        child.stdout.on("data", (data: Buffer) => (said = data.toString().trim().split("\n").at(-1) ?? ""))
        yield* until("they share", () => said === "3" && reader.held.size === 3)
        const killedAt = Date.now()
        child.kill("SIGKILL")
        yield* until("all is held by the survivor", () => reader.held.size === 6)
        assert.isBelow(Date.now() - killedAt, 2_000)
      })
  )

  it.live("a member that the others have not heard of for most of a session's time is not sure of what it holds", () =>
    Effect.gen(function* () {
      const { url, sql } = yield* world(2)
      const process = yield* brokerProcess(url, { tickMs: 20, sessionTimeoutMs: 1_000 })
      const membership = yield* process.join({ group: "g", topic })
      yield* until("it is sure", membership.isSure)
      yield* sql.withTransaction(
        Effect.andThen(
          sql`LOCK TABLE group_member IN ACCESS EXCLUSIVE MODE`,
          until("it is not sure any more", () => !membership.isSure())
        )
      )
      yield* until("it is sure again", membership.isSure)
    })
  )

  it.live(
    "a revoked partition that is not released goes to the other when the bound is up, and its holder is told",
    () =>
      Effect.gen(function* () {
        const { url } = yield* world(2)
        const first = yield* brokerProcess(url, { tickMs: 50, drainBoundMs: 400 })
        const second = yield* brokerProcess(url, { tickMs: 50, drainBoundMs: 400 })
        const membership = yield* first.join({ group: "g", topic })
        const told: Array<string> = []
        yield* Effect.forkScoped(
          Effect.forever(
            Effect.gen(function* () {
              const event = yield* Queue.take(membership.events)
              told.push(event._tag)
            })
          )
        )
        yield* until("the first has its partitions", () => told.length === 1)
        const reader = yield* readGroup(second, { group: "g", topic })
        yield* until("the second has one", () => reader.held.size === 1)
        yield* until("the first was told", () => told.length === 3)
        assert.deepStrictEqual(told, ["Assigned", "Revoked", "Lost"])
      })
  )

  it.live("a reader goes on after the server has cut all connections", () =>
    Effect.gen(function* () {
      const { url, broker } = yield* world()
      const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
      yield* until("all is held", () => reader.held.size === 4)
      yield* broker.append([record("before")])
      yield* until("it is read", () => reader.records.length === 1)
      const admin = yield* connect(url)
      yield* admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`
      yield* Effect.retry(broker.append([record("after")]), { times: 20 })
      yield* until("it is read too", () => reader.records.some((r) => new TextDecoder().decode(r.value!) === "after"))
    })
  )
})
