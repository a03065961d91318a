/** A topic that grows while two processes work on it and others write to it, with its records in Postgres and in Kafka. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import type { Redacted, Scope } from "effect"
import { randomUUID } from "node:crypto"
import type { BrokerError } from "../../src/broker/BrokerError.ts"
import { addPartitions, layer as kafkaLayer } from "../../src/broker/kafka/KafkaBroker.ts"
import { defaultOptions } from "../../src/broker/kafka/KafkaBroker.ts"
import { layer as postgresLayer } from "../../src/broker/postgres/PostgresBroker.ts"
import { partitionOf } from "../../src/broker/murmur2.ts"
import type { Position } from "../../src/broker/Record.ts"
import { growTopics } from "../../src/broker/rows/growth.ts"
import { growthOf, readTopics } from "../../src/cli/growth.ts"
import { done } from "../../src/domain/Outcome.ts"
import type { Actor } from "../../src/runtime/Actor.ts"
import { bytes } from "../support/journalRows.ts"
import { describeOnKafka, sharedKafka } from "../support/kafka/kafka.ts"
import { migratedDatabase } from "../support/migrated.ts"
import { postgresWorker } from "../support/postgresWorker.ts"
import { actorOf, makeObserver, topicOf } from "../support/runtimeWorld.ts"
import { until, untilSo } from "../support/until.ts"

const [before, after] = [4, 8]
const users = Array.from({ length: 24 }, (_, i) => `user${i}`)

interface Place {
  readonly url: Redacted.Redacted
  readonly topics: ReturnType<typeof postgresLayer>
  readonly elsewhere: Parameters<typeof growthOf>[1]
}

const inPostgres = Effect.map(migratedDatabase, ({ url }): Place => ({ url, topics: postgresLayer(), elsewhere: null }))

const inKafka = Effect.gen(function* () {
  const settings = { ...defaultOptions, brokers: yield* Effect.orDie(sharedKafka), prefix: `${randomUUID()}.` }
  const { url } = yield* migratedDatabase
  const elsewhere = (topics: ReadonlyArray<string>, count: number) => addPartitions(settings, topics, count)
  return { url, topics: Layer.orDie(kafkaLayer(settings)), elsewhere } satisfies Place
})

const recordOf = (topic: string, user: string, n: number) => ({
  topic,
  key: bytes(user),
  value: bytes(JSON.stringify({ n })),
  headers: { ce_id: `${topic}-${user}-${n}` }
})

const numbers = (lines: ReadonlyArray<string>, user: string) =>
  lines.filter((line) => line.startsWith(`+${user}:`)).map((line) => Number(line.split(":")[1]))

const growing = (where: string, place: Effect.Effect<Place, never, Scope.Scope>) => {
  const processOf = ({ url, topics }: Place, actors: ReadonlyArray<Actor> = []) =>
    postgresWorker(url, actors, {}, topics)

  it.live(
    `a topic in ${where} grows while it is written to and worked on, and every user's order holds before, during and after`,
    () =>
      Effect.gen(function* () {
        const here = yield* place
        const seen = makeObserver()
        const work = actorOf(({ n }, task) => seen.around(`${task.user}:${n}`, Effect.sleep("1 millis")), {
          partitions: before
        })
        // Another queue hands on to it all the while.
        const feed = {
          ...actorOf(({ n }, task) =>
            Effect.succeed(
              done(null, [{ topic: "work", key: bytes(task.user!), value: bytes(`{"n":${n}}`), type: "test" }])
            )
          ),
          name: "feed",
          topic: topicOf("feed", before)
        }
        const [one, two] = [yield* processOf(here, [feed, work]), yield* processOf(here, [feed, work])]
        // They know the topic as it was, and are told of nothing: they have no member that reads.
        const [poster, coder] = [yield* processOf(here), yield* processOf(here)]
        const heldBy = (process: typeof one, queue: string) =>
          process.worker!.lanes.find(({ actor }) => actor.name === queue)!.owned.size
        yield* until("they share", () => heldBy(one, "work") === 2 && heldBy(two, "work") === 2)

        const writer = { isOver: false }
        const counts = new Map(users.map((user) => [user, 0]))
        const write = Effect.gen(function* () {
          for (let round = 0; !writer.isOver; round++) {
            const records = users.map((user) => {
              const n = counts.get(user)!
              counts.set(user, n + 1)
              // One half comes by way of the other queue.
              return recordOf(user.length % 2 === 0 ? "feed" : "work", user, n)
            })
            // There are two ways in, and an order only on each of them.
            const [these, those] = [records.filter((_, i) => i % 2 === 0), records.filter((_, i) => i % 2 === 1)]
            // Each user's come by two processes in turn, of which one knows of the growth and one does not.
            const [hands, appends] = round % 2 === 0 ? [poster, coder] : [one, two]
            yield* Effect.retry(hands.broker.handOver(these), { times: 20 })
            yield* Effect.retry(appends.broker.append(those), { times: 20 })
            yield* Effect.sleep("10 millis")
          }
        })
        const writing = yield* Effect.forkChild(write)
        yield* until("some have run", () => seen.lines.length > 500)
        const cli = yield* processOf(here)
        const grow = growthOf({ name: "work", partitions: after, patienceMs: 60_000 }, here.elsewhere)
        assert.isNull(yield* Effect.provideContext(grow, cli.services))
        const sofar = seen.lines.length
        yield* until("the new partitions are shared", () => heldBy(one, "work") === 4 && heldBy(two, "work") === 4)
        yield* until("more have run", () => seen.lines.length > sofar + 500)
        writer.isOver = true
        yield* Fiber.join(writing)
        const total = [...counts.values()].reduce((sum, n) => sum + n, 0)
        yield* until("all have run", () => seen.lines.length >= 2 * total, 30)
        for (const user of users) {
          assert.deepStrictEqual(
            numbers(seen.lines, user),
            Array.from({ length: counts.get(user)! }, (_, n) => n),
            user
          )
          const own = seen.lines.filter((line) => line.slice(1).startsWith(`${user}:`))
          own.forEach((line, i) => assert.strictEqual(line[0], i % 2 === 0 ? "+" : "-"))
        }
        const view = (yield* Effect.provideContext(readTopics, cli.services)).find(({ name }) => name === "work")!
        assert.strictEqual(view.partitions, after)
        const ends = yield* cli.broker.ends("work")
        assert.isTrue(ends.slice(before).some(({ next }) => next > 0))
        const paused = yield* cli.sql`SELECT 1 FROM queue_control WHERE paused`
        assert.strictEqual(paused.length, 0)
        // Who asks for what it was made with, and who asks for what it is now, finds it; nobody else.
        yield* cli.broker.ensureTopics([{ name: "work", partitions: before, retentionMs: 1_000 }])
        yield* cli.broker.ensureTopics([{ name: "work", partitions: after, retentionMs: 1_000 }])
        const more = yield* Effect.flip(cli.broker.ensureTopics([{ name: "work", partitions: 9, retentionMs: 1_000 }]))
        assert.include(more.message, "postroom topics grow work --partitions 9")
        const fewer = yield* Effect.flip(cli.broker.ensureTopics([{ name: "work", partitions: 2, retentionMs: 1_000 }]))
        assert.include(fewer.message, "none can be taken away")
      }),
    120_000
  )

  it.live(
    `what is appended to a topic in ${where} at the moment at which it grows waits, and goes where its key goes then`,
    () =>
      Effect.gen(function* () {
        const here = yield* place
        const [one, cli] = [yield* processOf(here), yield* processOf(here)]
        yield* one.broker.ensureTopics([{ name: "work", partitions: before, retentionMs: 3_600_000 }])
        const user = users.find((name) => partitionOf(bytes(name), before) !== partitionOf(bytes(name), after))!
        const appended = yield* Deferred.make<ReadonlyArray<Position>, BrokerError>()
        const waits = Effect.map(
          cli.sql`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
          (rows) => rows.length > 0
        )
        const grown = yield* growTopics({
          topics: ["work"],
          partitions: after,
          appendsLockPartitions: here.elsewhere === null,
          underWay: Effect.gen(function* () {
            yield* Effect.forkDetach(Deferred.into(one.broker.append([recordOf("work", user, 1)]), appended))
            yield* untilSo("the append waits", waits)
            return null
          }),
          addPartitions: here.elsewhere === null ? Effect.void : here.elsewhere(["work"], after),
          holdMs: 0
        }).pipe(Effect.provideContext(cli.services))
        assert.isNull(grown)
        const [position] = yield* Deferred.await(appended)
        assert.deepInclude(position, { partition: partitionOf(bytes(user), after), offset: 0 })
      })
  )

  it.live(`a topic in ${where} of which something stays under way does not grow, and what it is is said`, () =>
    Effect.gen(function* () {
      const here = yield* place
      const gate = yield* Deferred.make<void>()
      const actor = actorOf(() => Deferred.await(gate), { partitions: before })
      const one = yield* processOf(here, [actor])
      yield* one.broker.append([recordOf("work", "ann", 1)])
      yield* until("it runs", () => one.worker!.lanes[0]!.started > 0)
      const grow = growthOf({ name: "work", partitions: after, patienceMs: 300 }, here.elsewhere)
      const what = yield* Effect.provideContext(grow, one.services)
      assert.match(what!, /^queue work has \d unread records and \d open tasks/)
      assert.strictEqual((yield* one.broker.ends("work")).length, before)
      // What comes meanwhile was held back for a moment and goes on.
      yield* one.broker.append([recordOf("work", "bob", 1)])
      yield* Deferred.succeed(gate, undefined)
      const ended = Effect.map(
        one.sql<{ n: bigint }>`SELECT count(*) AS n FROM task WHERE state = 2`,
        ([row]) => row!.n
      )
      yield* untilSo(
        "both have ended",
        Effect.map(ended, (n) => n === 2n)
      )
      assert.isNull(yield* Effect.provideContext(grow, one.services))
      assert.strictEqual((yield* one.broker.ends("work")).length, after)
    })
  )
}

describe("topics in Postgres", () => growing("Postgres", inPostgres))
describeOnKafka("topics in Kafka", () => growing("Kafka", inKafka))
