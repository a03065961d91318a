/** The runtime on a real PostgreSQL: topics and journal in one database, real time, real processes. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { fileURLToPath } from "node:url"
import type { Broker } from "../../src/broker/Broker.ts"
import { taskIdOf } from "../../src/domain/ids.ts"
import { done, fail } from "../../src/domain/Outcome.ts"
import { bytes } from "../support/journalRows.ts"
import { migratedDatabase } from "../support/migrated.ts"
import { connect } from "../support/postgres.ts"
import { postgresWorker } from "../support/postgresWorker.ts"
import { actorOf, makeObserver, topicOf } from "../support/runtimeWorld.ts"
import { until, untilSo } from "../support/until.ts"

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

const post = (broker: Broker["Service"], user: string, ns: ReadonlyArray<number>) =>
  broker.append(
    ns.map((n) => ({
      topic: "work",
      key: bytes(user),
      value: bytes(JSON.stringify({ n })),
      headers: { ce_id: `${user}-${n}` }
    }))
  )

const idOf = (user: string, n: number) => taskIdOf("work", `${user}-${n}`)

/** A fresh database, a client to look at it, and how many tasks are in a state. */
const world = Effect.gen(function* () {
  const { url } = yield* migratedDatabase
  const { broker, journal, sql } = yield* postgresWorker(url, [])
  yield* broker.ensureTopics([{ name: "work", partitions: 4, retentionMs: 3_600_000 }])
  const ended = (state: number) =>
    Effect.map(sql<{ n: bigint }>`SELECT count(*) AS n FROM task WHERE state = ${state}::int2`, ([row]) =>
      Number(row!.n)
    )
  return { url, broker, journal, sql, ended }
})

const succeeded = 2

describe("on Postgres", () => {
  it.live("two processes share the users, and every task runs once, in order, while one of them ends", () =>
    Effect.gen(function* () {
      const { url, broker, ended } = yield* world
      const seen = makeObserver()
      const actor = actorOf(({ n }, task) => seen.around(`${task.user}:${n}`, Effect.sleep("2 millis")), {
        partitions: 4
      })
      yield* postgresWorker(url, [actor])
      const second = yield* postgresWorker(url, [actor])
      yield* until("both have partitions", () => second.worker!.lanes[0]!.owned.size === 2)
      for (const round of upTo(10)) {
        yield* Effect.forEach(upTo(20), (user) => post(broker, `user${user}`, [round * 2, round * 2 + 1]), {
          concurrency: 4
        })
        if (round === 5) yield* second.stop
      }
      yield* untilSo(
        "all are done",
        Effect.map(ended(succeeded), (n) => n === 400)
      )
      for (const user of upTo(20)) {
        const lines = seen.lines.filter((line) => line.slice(1).startsWith(`user${user}:`))
        assert.deepStrictEqual(
          lines,
          upTo(20).flatMap((n) => [`+user${user}:${n}`, `-user${user}:${n}`])
        )
      }
    })
  )

  it.live(
    "what a task hands on arrives once and in order although the server cuts all connections again and again",
    () =>
      Effect.gen(function* () {
        const { url, broker, ended } = yield* world
        const seen: Array<string> = []
        const output = (user: string, n: number) => ({
          topic: "next",
          key: bytes(user),
          value: bytes(`{"n":${n}}`),
          type: "test"
        })
        const actor = actorOf(
          ({ n }, task) =>
            Effect.gen(function* () {
              yield* task.setState("count", ((yield* task.getState<number>("count")) ?? 0) + 1)
              return done(null, [output(task.user, n)])
            }),
          { partitions: 4 }
        )
        const reader = actorOf(({ n }, task) => Effect.sync(() => seen.push(`${task.user}:${n}`)), {
          name: "reader",
          topic: topicOf("next", 3)
        })
        const { journal } = yield* postgresWorker(url, [actor, reader])
        const admin = yield* connect(url)
        for (const round of upTo(8)) {
          yield* Effect.retry(
            Effect.forEach(["ann", "bob", "cid"], (user) => post(broker, user, [round])),
            { times: 50 }
          )
          yield* admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`
          yield* untilSo(
            "the round is done",
            Effect.map(ended(succeeded), (n) => n === (round + 1) * 6)
          )
        }
        for (const user of ["ann", "bob", "cid"]) {
          const first = [...new Set(seen.filter((line) => line.startsWith(user)))]
          assert.deepStrictEqual(
            first,
            upTo(8).map((n) => `${user}:${n}`)
          )
          assert.strictEqual((yield* journal.states("work", bytes(user))).get("count"), "8")
        }
      })
  )

  it.live("processes that are killed again and again lose nothing and keep every user's order", () =>
    Effect.gen(function* () {
      const { url, broker, sql, ended } = yield* world
      yield* sql`CREATE TABLE seen (seq bigint GENERATED ALWAYS AS IDENTITY, user_key text, n int, pid int)`
      const script = fileURLToPath(new URL("../support/worker-child.ts", import.meta.url))
      const start = Effect.acquireRelease(
        Effect.sync(() =>
          spawn(process.execPath, [script, Redacted.value(url)], { stdio: ["ignore", "pipe", "inherit"] })
        ),
        (child) => Effect.sync(() => child.kill("SIGKILL"))
      )
      yield* Effect.forEach(upTo(12), (user) => post(broker, `user${user}`, upTo(100)), { concurrency: 4 })
      const count = Effect.map(sql<{ n: bigint }>`SELECT count(*) AS n FROM seen`, ([row]) => Number(row!.n))
      for (const round of upTo(3)) {
        const child = yield* start
        const goal = (round + 1) * 200
        yield* untilSo(
          "it has worked",
          Effect.map(count, (n) => n >= goal)
        )
        child.kill("SIGKILL")
      }
      yield* start
      yield* untilSo(
        "all are done",
        Effect.map(ended(succeeded), (n) => n === 1_200),
        30
      )
      const rows = yield* sql<{ user_key: string; n: number }>`SELECT user_key, n FROM seen ORDER BY seq`
      for (const user of upTo(12)) {
        const first = [...new Set(rows.filter((row) => row.user_key === `user${user}`).map((row) => row.n))]
        assert.deepStrictEqual(first, upTo(100))
      }
      // A crash repeats what was running and what was not flushed: a few of each user, not more.
      assert.isBelow(rows.length, 1_200 + 3 * 12 * 5)
    })
  )

  it.live("a pause, a cancel and a retry reach a worker long before its next look", () =>
    Effect.gen(function* () {
      const { url, broker, journal } = yield* world
      const seen = makeObserver()
      let isBroken = true
      const actor = actorOf(
        ({ n }) =>
          seen.around(
            String(n),
            n === 1 ? Effect.never : n === 2 && isBroken ? Effect.succeed(fail("no")) : Effect.void
          ),
        { partitions: 4 }
      )
      const { worker } = yield* postgresWorker(url, [actor])
      const lane = worker!.lanes[0]!
      yield* until("it has its partitions", () => lane.owned.size === 4)
      yield* post(broker, "ann", [1, 2, 3])
      yield* until("the first runs", () => seen.lines.length === 1)
      // Just after a look: the next one by the clock is a second away.
      const askedAt = Date.now()
      yield* journal.requestCancel(idOf("ann", 1), "eve")
      yield* until("the others have run", () => seen.lines.length === 6)
      assert.isBelow(Date.now() - askedAt, 900)
      yield* untilSo(
        "its failure is written",
        Effect.map(journal.task(idOf("ann", 2)), (task) => task?.state === "failed")
      )
      isBroken = false
      yield* journal.requestRetry(idOf("ann", 2), "eve")
      yield* untilSo(
        "it has succeeded",
        Effect.map(journal.task(idOf("ann", 2)), (task) => task?.state === "succeeded")
      )
      yield* journal.pauseQueue("work", true, "eve")
      yield* until("the queue is paused", () => lane.paused)
      yield* journal.pauseQueue("work", false, "eve")
      yield* until("the queue goes on", () => !lane.paused)
    })
  )

  it.live("answers that Postgres cannot hold fail their task, and the writing goes on", () =>
    Effect.gen(function* () {
      const { url, broker, journal, ended } = yield* world
      const answers = [
        Effect.succeed({
          _tag: "Done",
          result: 1,
          outputs: [{ topic: "nobody's", key: null, value: null, type: "t" }]
        }),
        Effect.succeed({ _tag: "Delay", reason: "r", untilMs: Number.POSITIVE_INFINITY }),
        Effect.fail("a\0b \ud800"),
        Effect.succeed({ text: "\0 \udfff" }),
        Effect.succeed(1n),
        Effect.succeed({ _tag: "Done", result: 1, outputs: [{ topic: "work", key: "text", value: null, type: "t" }] })
      ]
      const actor = actorOf(({ n }) => answers[n] ?? Effect.void, { partitions: 4, retry: { attempts: 1 } })
      yield* postgresWorker(url, [actor])
      for (const n of upTo(answers.length)) yield* post(broker, `odd${n}`, [n])
      yield* post(
        broker,
        "ann",
        upTo(20).map((n) => n + 100)
      )
      yield* untilSo(
        "the others are done",
        Effect.map(ended(succeeded), (n) => n >= 21)
      )
      yield* untilSo(
        "five have ended",
        Effect.map(ended(3), (n) => n >= 4)
      )
      assert.strictEqual((yield* journal.task(idOf("odd1", 1)))?.state, "queued")
      yield* post(broker, "bob", [200])
      yield* untilSo(
        "and goes on",
        Effect.map(journal.task(idOf("bob", 200)), (task) => task?.state === "succeeded")
      )
    })
  )

  it.live(
    "what an index cannot hold stops nobody: a key of 3,000 bytes is invalid, a name as long is kept as any other",
    () =>
      Effect.gen(function* () {
        const { url, broker, sql, ended } = yield* world
        // Nothing that repeats itself: Postgres packs what does.
        const name = randomBytes(6_000).toString("base64")
        const names = [name, `${name}+`, "a\0b", "\ud800", "\udfff"]
        const actor = actorOf(
          ({ n }, task) =>
            Effect.gen(function* () {
              const read = yield* Effect.forEach(names, (one) => task.getState<number>(one))
              for (const [i, one] of names.entries()) {
                yield* task.setState(one, n + i)
                yield* task.step(one, Effect.succeed(i))
              }
              return read
            }),
          { partitions: 4 }
        )
        yield* postgresWorker(url, [actor])
        const key = randomBytes(3_000)
        const headers = { ce_id: "long" }
        yield* broker.append([{ topic: "work", key, value: bytes(`{"n":1}`), headers }])
        yield* post(broker, "ann", [10, 20])
        yield* untilSo(
          "the others are done",
          Effect.map(ended(succeeded), (n) => n === 2)
        )
        const rows = yield* sql`SELECT reason, result FROM task ORDER BY reason NULLS LAST, "offset"`
        assert.deepStrictEqual(rows, [
          { reason: "the key has 3000 bytes, and may have 1024", result: null },
          { reason: null, result: "[null,null,null,null,null]" },
          { reason: null, result: "[10,11,12,13,14]" }
        ])
        const [steps] = yield* sql<{ n: bigint }>`SELECT count(*) AS n FROM step`
        assert.strictEqual(steps!.n, 10n)
      })
  )

  it.live("an unclean end is known to the next owner, a clean one is not taken for one", () =>
    Effect.gen(function* () {
      const { url, journal, sql } = yield* world
      const worker = yield* postgresWorker(url, [actorOf(() => Effect.void, { partitions: 4 })])
      yield* until("it has its partitions", () => worker.worker!.lanes[0]!.owned.size === 4)
      assert.strictEqual((yield* sql`SELECT 1 AS one FROM assignment WHERE NOT clean`).length, 4)
      yield* worker.stop
      assert.strictEqual((yield* sql`SELECT 1 AS one FROM assignment WHERE NOT clean`).length, 0)
      yield* journal.register([{ name: "work", topic: "work", priority: "medium", off: null }])
      assert.isTrue((yield* journal.lease({ queue: "work", partition: 0, owner: "a" })).clean)
      assert.isFalse((yield* journal.lease({ queue: "work", partition: 0, owner: "b" })).clean)
    })
  )
})
