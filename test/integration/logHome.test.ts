/** Where the topics of an installation are, and that they move only when nothing would be left behind. */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import type { Broker } from "../../src/broker/Broker.ts"
import { postgresHome, settleIn } from "../../src/cli/logHome.ts"
import { recordOf } from "../contract/brokerContract.ts"
import { brokerProcess } from "../support/brokerProcess.ts"
import { clientOf, migratedDatabase } from "../support/migrated.ts"

const kafka = "Kafka abc"

/** A queue that reads a topic of one partition. */
const world = Effect.gen(function* () {
  const { url } = yield* migratedDatabase
  const context = yield* Layer.build(clientOf(url, 2))
  const sql = Context.get(context, PgClient.PgClient)
  const broker: Broker["Service"] = yield* brokerProcess(url)
  yield* broker.ensureTopics([{ name: "work", partitions: 1, retentionMs: 1 }])
  yield* sql`INSERT INTO queue (name, topic, priority) VALUES ('work', 'work', 1)`
  yield* sql`INSERT INTO assignment (queue, partition, epoch, owner, clean, next_offset, leased_at)
    SELECT id, 0, 1, 'nobody', true, 0, now() FROM queue`
  const offsets = Effect.map(
    sql<{
      at: bigint
      next: bigint
    }>`SELECT a.next_offset AS at, p.next_offset AS next FROM assignment a, topic_partition p`,
    ([row]) => [Number(row!.at), Number(row!.next)]
  )
  return { sql, broker, offsets, move: (home: string) => Effect.provide(settleIn(home), context) }
})

describe("the log of an installation", () => {
  it.live("does not move while records wait, and says how many", () =>
    Effect.gen(function* () {
      const { broker, move, sql } = yield* world
      yield* broker.append([recordOf("work", "a"), recordOf("work", "b")])
      const refusal = yield* Effect.flip(move(kafka))
      assert.deepInclude(refusal, { _tag: "LogMoved", from: postgresHome, to: kafka, open: 2 })
      assert.deepStrictEqual(yield* sql`SELECT home FROM log_home`, [{ home: postgresHome }])
    })
  )

  it.live("moves once all is done, begins anew there, and goes on where it was when it comes back", () =>
    Effect.gen(function* () {
      const { broker, move, sql, offsets } = yield* world
      yield* broker.append([recordOf("work", "a"), recordOf("work", "b")])
      yield* sql`UPDATE assignment SET next_offset = 2`
      yield* move(kafka)
      assert.deepStrictEqual(yield* offsets, [0, 0])
      yield* move(kafka)
      // What Kafka's relay writes down of the ends there.
      yield* sql`UPDATE topic_partition SET next_offset = 7`
      assert.strictEqual((yield* Effect.flip(move(postgresHome)))._tag, "LogMoved")
      yield* sql`UPDATE assignment SET next_offset = 7`
      yield* move(postgresHome)
      assert.deepStrictEqual(yield* offsets, [2, 2])
      assert.strictEqual((yield* broker.append([recordOf("work", "c")]))[0]!.offset, 2)
    })
  )
})
