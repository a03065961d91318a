/**
 * How a topic grows while everything runs: the queues that read it work off
 * what they have, and the others, which may write to it, are paused meanwhile.
 * Appends are held back only for short times in between, and only when little
 * is left: a process that is held back can write no ends of tasks either.
 */
import { Clock, Duration, Effect } from "effect"
import { SqlClient } from "effect/sql"
import { Broker } from "../broker/Broker.ts"
import type { BrokerError } from "../broker/BrokerError.ts"
import { growTopics } from "../broker/rows/growth.ts"
import { bigints, ints, texts } from "../database/columns.ts"
import { Journal } from "../journal/Journal.ts"
import { readQueues } from "../journal/sql/History.ts"
import { deadLetterNameOf } from "../topics/Topic.ts"

export interface TopicView {
  readonly name: string
  readonly partitions: number
  readonly retentionMs: number
  /** Records that are kept. */
  readonly records: number
  /** The queues that read it, and how many records each has not read. */
  readonly queues: ReadonlyArray<{ readonly name: string; readonly lag: number }>
}

/** All topics, by name. */
export const readTopics = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ name: string; partitions: number; retention_ms: bigint; records: bigint }>`
    SELECT t.name, t.partitions, t.retention_ms, coalesce(sum(p.next_offset - p.first_offset), 0)::int8 AS records
    FROM topic t LEFT JOIN topic_partition p ON p.topic = t.id GROUP BY t.id ORDER BY t.name`
  const queues = yield* readQueues
  return rows.map((row): TopicView => ({
    name: row.name,
    partitions: row.partitions,
    retentionMs: Number(row.retention_ms),
    records: Number(row.records),
    queues: queues.filter(({ topic }) => topic === row.name).map(({ name, unread }) => ({ name, lag: unread }))
  }))
})

interface Left {
  readonly queue: string
  readonly off: string | null
  readonly paused: boolean
  readonly unread: bigint
  readonly open: bigint
  readonly waiting: bigint
}

// What was read has a row, or its queue's next offset is before it: tasks in memory alone count as unread.
const leftOf = `
  SELECT q.name AS queue, q.off, EXISTS (SELECT 1 FROM queue_control c WHERE c.queue = q.name AND c.paused) AS paused,
    (SELECT coalesce(sum(greatest(0, e.next - coalesce(a.next_offset, 0))), 0)::int8
     FROM unnest($2::int4[], $3::int8[]) e (partition, next)
     LEFT JOIN assignment a ON a.queue = q.id AND a.partition = e.partition) AS unread,
    (SELECT count(*) FROM task t WHERE t.queue = q.id AND t.state < 2) AS open,
    (SELECT count(*) FROM task t WHERE t.queue = q.id AND t.state < 2 AND t.not_before > now()) AS waiting
  FROM queue q WHERE q.topic = $1`

/** Little enough to hold back what is added to it. */
const fewEnough = 500n

const [shortHoldMs, longestHoldMs, restMs] = [500, 4_000, 100]

const words = ({ queue, off, paused, unread, open, waiting }: Left): string => {
  const why = off !== null ? ` (it is off: ${off})` : paused ? " (it is paused)" : ""
  const wait = waiting > 0n ? `, ${waiting} of which wait for their time` : ""
  return `queue ${queue} has ${unread} unread records and ${open} open tasks${wait}${why}`
}

/** The effect that grows a topic and its dead letters; it answers what was still under way when the patience was over. */
export const growthOf = Effect.fnUntraced(function* (
  of: { readonly name: string; readonly partitions: number; readonly patienceMs: number },
  /** Adds partitions where the records are; null where that is Postgres. */
  elsewhere: ((topics: ReadonlyArray<string>, count: number) => Effect.Effect<void, BrokerError>) | null
) {
  const sql = yield* SqlClient.SqlClient
  const broker = yield* Broker
  const journal = yield* Journal
  const [letters] = yield* sql`SELECT 1 FROM topic WHERE name = ${deadLetterNameOf(of.name)}`
  const topics = letters === undefined ? [of.name] : [of.name, deadLetterNameOf(of.name)]

  const left = Effect.gen(function* () {
    const ends = yield* broker.ends(of.name)
    const rows = yield* sql.unsafe<Left>(leftOf, [
      of.name,
      ints(ends.map(({ partition }) => partition)),
      bigints(ends.map(({ next }) => next))
    ])
    const [onTheWay] = yield* sql.unsafe<{ n: bigint }>(
      `SELECT count(*) AS n FROM outbox WHERE topic = ANY ($1::text[])`,
      [texts(topics)]
    )
    const kept = ends.reduce((sum, { first, next }) => sum + BigInt(next - first), 0n)
    if (rows.length === 0 && kept > 0n) {
      // Whoever reads them later would find records of one key in two partitions.
      return { count: kept, what: `no queue has read its ${kept} records yet: start its worker first` }
    }
    const busy = rows.filter(({ unread, open }) => unread + open > 0n)
    const count = onTheWay!.n + busy.reduce((sum, { unread, open }) => sum + unread + open, 0n)
    const what = [...busy.map(words), ...(onTheWay!.n > 0n ? [`${onTheWay!.n} records are on their way to Kafka`] : [])]
    return { count, what: count === 0n ? null : what.join("; ") }
  })

  const hold = (holdMs: number) =>
    growTopics({
      topics,
      partitions: of.partitions,
      appendsLockPartitions: elsewhere === null,
      underWay: Effect.map(left, ({ what }) => what),
      addPartitions: elsewhere === null ? Effect.void : elsewhere(topics, of.partitions),
      holdMs
    })

  const drain = Effect.gen(function* () {
    const until = (yield* Clock.currentTimeMillis) + of.patienceMs
    let holdMs = shortHoldMs
    while (true) {
      const { count, what } = yield* left
      const rest = until - (yield* Clock.currentTimeMillis)
      if (count <= fewEnough) {
        const held = yield* hold(Math.min(holdMs, Math.max(0, rest)))
        if (held === null) return null
        holdMs = Math.min(2 * holdMs, longestHoldMs)
      }
      if (rest <= 0) return what ?? "it was written to all the time"
      yield* Effect.sleep(Duration.millis(restMs))
    }
  })

  const others = Effect.map(readQueues, (queues) =>
    queues.filter(({ topic, paused, off }) => topic !== of.name && !paused && off === null)
  )
  const by = "postroom topics grow"
  if ((yield* hold(0)) === null) return null
  return yield* Effect.acquireUseRelease(
    Effect.tap(others, (queues) => Effect.forEach(queues, ({ name }) => journal.pauseQueue(name, true, by))),
    () => drain,
    (queues) => Effect.forEach(queues, ({ name }) => Effect.orDie(journal.pauseQueue(name, false, by)))
  )
})
