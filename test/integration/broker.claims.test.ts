/** The rows by which members own partitions, one statement at a time: what two of them do at once, or too late. */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer } from "effect"
import { makeGroups } from "../../src/broker/rows/Groups.ts"
import { shareOf } from "../../src/broker/shares.ts"
import { sessionLockClass } from "../../src/broker/rows/Session.ts"
import { makeTopics } from "../../src/broker/rows/Topics.ts"
import { brokerProcess } from "../support/brokerProcess.ts"
import { readGroup } from "../support/groupReader.ts"
import { clientOf, migratedDatabase } from "../support/migrated.ts"
import { until, untilSo } from "../support/until.ts"

const [one, two] = [11, 22]
const alive = [one, two]

/** A group of a topic of two partitions, in which both sessions are. */
const world = Effect.gen(function* () {
  const { url } = yield* migratedDatabase
  const context = yield* Layer.build(clientOf(url))
  const sql = Context.get(context, PgClient.PgClient)
  return yield* Effect.gen(function* () {
    const groups = yield* makeGroups({ sessionTimeoutMs: 10_000, drainBoundMs: 30_000 })
    const topics = yield* makeTopics
    yield* topics.ensure([{ name: "t", partitions: 2, retentionMs: 1_000 }])
    const key = { group: "g", topic: (yield* topics.get("t")).id }
    for (const session of alive) yield* groups.enter(session, key, 2, `member ${session}`)
    const holder = Effect.map(
      sql<{ session: bigint | null }>`SELECT session FROM group_claim WHERE partition = 0`,
      ([row]) => row!.session
    )
    return { sql, groups, key, holder }
  }).pipe(Effect.provideContext(context))
})

describe("claims", () => {
  it.live("that two members make at once are one of theirs", () =>
    Effect.gen(function* () {
      const { sql, groups, key, holder } = yield* world
      const made = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      const first = yield* Effect.forkChild(
        sql.withTransaction(
          Effect.gen(function* () {
            const taken = yield* groups.claim(one, key, [0], alive)
            yield* Deferred.succeed(made, undefined)
            yield* Deferred.await(go)
            return taken
          })
        )
      )
      yield* Deferred.await(made)
      const second = yield* Effect.forkChild(groups.claim(two, key, [0], alive))
      yield* untilSo(
        "the second waits for the first",
        Effect.map(
          sql`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
          (rows) => rows.length === 1
        )
      )
      yield* Deferred.succeed(go, undefined)
      assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(second)], [[0], []])
      assert.strictEqual(yield* holder, BigInt(one))
    })
  )

  it.live("are released by who holds them, and by nobody who held them before", () =>
    Effect.gen(function* () {
      const { groups, key, holder } = yield* world
      yield* groups.claim(two, key, [0], alive)
      yield* groups.release(one, key, 0)
      assert.strictEqual(yield* holder, BigInt(two))
      yield* groups.release(two, key, 0)
      assert.isNull(yield* holder)
    })
  )

  it.live(
    "of a member that was not seen for too long are free, although it lives, and its name stays for when it wakes",
    () =>
      Effect.gen(function* () {
        const { sql, groups, key, holder } = yield* world
        yield* groups.claim(one, key, [0], alive)
        const frozen = sql.withTransaction(
          Effect.gen(function* () {
            // Its lock is held as long as this transaction lasts: its process is there.
            yield* sql`SELECT pg_advisory_xact_lock(${sessionLockClass}::int4, ${one}::int4)`
            yield* sql`UPDATE group_member SET seen_at = now() - interval '11 seconds' WHERE session = ${BigInt(one)}`
            return yield* groups.look(two, [key])
          })
        )
        const view = yield* frozen
        assert.deepStrictEqual([...view.members.values()], [[two]])
        assert.deepStrictEqual(view.departed, [])
        assert.deepStrictEqual(yield* groups.claim(two, key, [0], [two]), [0])
        assert.strictEqual(yield* holder, BigInt(two))
        // Its lock is free now: it is gone, and one of those who look is told so.
        const gone = yield* groups.look(two, [key])
        assert.deepStrictEqual(gone.departed, [{ group: "g", topic: key.topic, memberId: `member ${one}` }])
        assert.deepStrictEqual((yield* groups.look(two, [key])).departed, [])
      })
  )

  it.live("of a member that is silent stay with it, and what is nobody's goes to those who are heard of", () =>
    Effect.gen(function* () {
      const { url } = yield* migratedDatabase
      const sql = Context.get(yield* Layer.build(clientOf(url)), PgClient.PgClient)
      const claims = sql<{ session: bigint | null; isWanted: boolean }>`
        SELECT session, wanted_since IS NOT NULL AS "isWanted" FROM group_claim ORDER BY partition`
      const process = yield* brokerProcess(url, { tickMs: 20, sessionTimeoutMs: 60_000 })
      yield* process.ensureTopics([{ name: "t", partitions: 12, retentionMs: 1_000 }])
      // A process that was frozen when it had just one partition: its lock is held, and it says no more.
      yield* Effect.forkScoped(
        sql.withTransaction(
          Effect.gen(function* () {
            yield* sql`SELECT pg_advisory_xact_lock(${sessionLockClass}::int4, ${one}::int4)`
            return yield* Effect.never
          })
        )
      )
      yield* sql`INSERT INTO group_member (group_name, topic, session, seen_at)
        SELECT 'g', id, ${BigInt(one)}::int8, now() - interval '20 seconds' FROM topic WHERE name = 't'`
      yield* sql`INSERT INTO group_claim (group_name, topic, partition, session)
        SELECT 'g', id, 3, ${BigInt(one)}::int8 FROM topic WHERE name = 't'`
      const reader = yield* readGroup(process, { group: "g", topic: "t" })
      yield* until("all others are held", () => reader.held.size === 11)
      const rows = yield* claims
      const mine = Number(rows.find(({ session }) => session !== BigInt(one))!.session)
      assert.deepStrictEqual(
        rows.map(({ session }) => Number(session)),
        rows.map((_, partition) => (partition === 3 ? one : mine))
      )
      // It is asked for only where it would be asked for beside a member that is heard of.
      assert.strictEqual(rows[3]!.isWanted, shareOf(mine, [one, mine], 12).includes(3))
      assert.isFalse(reader.held.has(3))
      // It is heard of: its share is asked back.
      yield* sql`UPDATE group_member SET seen_at = now() WHERE session = ${BigInt(one)}`
      yield* until("its share is free", () => reader.log.some((line) => line.startsWith("Revoked")))
    })
  )

  it.live("a member that was cut off is sure of them only when it has looked, not when it is heard of again", () =>
    Effect.gen(function* () {
      const { url } = yield* migratedDatabase
      const sql = Context.get(yield* Layer.build(clientOf(url)), PgClient.PgClient)
      const process = yield* brokerProcess(url, { tickMs: 20, sessionTimeoutMs: 1_000 })
      yield* process.ensureTopics([{ name: "t", partitions: 2, retentionMs: 1_000 }])
      const membership = yield* process.join({ group: "g", topic: "t" })
      const seenAt = Effect.map(sql<{ at: Date }>`SELECT seen_at AS at FROM group_member`, ([row]) => row?.at.getTime())
      yield* untilSo(
        "it is in the group, and sure",
        Effect.map(seenAt, (at) => at !== undefined && membership.isSure())
      )
      const [isCutOff, mayHeal] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const before = (yield* seenAt)!
      const line = yield* Effect.forkChild(
        sql.withTransaction(
          Effect.gen(function* () {
            yield* sql`LOCK TABLE group_member IN SHARE MODE`
            yield* until("it is not sure any more", () => !membership.isSure())
            yield* Deferred.succeed(isCutOff, undefined)
            yield* Deferred.await(mayHeal)
          })
        )
      )
      yield* Deferred.await(isCutOff)
      yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`LOCK TABLE group_claim IN ACCESS EXCLUSIVE MODE`
          yield* Deferred.succeed(mayHeal, undefined)
          yield* Fiber.join(line)
          yield* untilSo(
            "it is heard of",
            Effect.map(seenAt, (at) => at! > before)
          )
          assert.isFalse(membership.isSure())
        })
      )
      yield* until("it has looked", membership.isSure)
    })
  )
})
