/**
 * Appends records. The row of each partition is locked in (topic, partition)
 * order before its offsets are given, and the lock is held until the commit:
 * so appenders never deadlock, and readers see offsets without gaps. The row
 * says among how many partitions it is: who chose by another number is refused.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import type { BrokerError } from "../BrokerError.ts"
import type { OutgoingRecord, Position } from "../Record.ts"
import type { Preface } from "../../domain/Preface.ts"
import { byteas, ints, smallints, texts } from "../../database/columns.ts"
import { ifStill, refused } from "../rows/refused.ts"
import { contentOf, payloadSql } from "../rows/Note.ts"
import { makePlaces, placedAnew } from "../rows/places.ts"
import type { Topics } from "../rows/Topics.ts"
import { channel } from "../rows/Wakeups.ts"
import type { Wakeups } from "../rows/Wakeups.ts"

// One statement: the rows that `locked` returns are the newest versions, whatever the snapshot says.
const statementAfter = (preface: string, onlyAfter: string) => `
WITH ${preface}moment AS (SELECT date_trunc('milliseconds', clock_timestamp()) AS at),
locked AS (
  SELECT p.topic, p.partition, p.next_offset, c.n / ${ifStill("p.among = c.among")} AS n
  FROM topic_partition p JOIN unnest($1::int2[], $2::int4[], $3::int4[], $12::int4[]) c (topic, partition, n, among)
    ON p.topic = c.topic AND p.partition = c.partition ${onlyAfter}
  ORDER BY p.topic, p.partition FOR UPDATE OF p),
grown AS (
  UPDATE topic_partition p SET next_offset = l.next_offset + l.n FROM locked l
  WHERE p.topic = l.topic AND p.partition = l.partition),
written AS (
  INSERT INTO record (topic, partition, "offset", key, value, headers, at)
  SELECT r.topic, r.partition, l.next_offset + r.place, r.key, r.value, r.headers, m.at
  FROM moment m, unnest($4::int2[], $5::int4[], $6::int4[], $7::bytea[], $8::bytea[], $9::text[])
    r (topic, partition, place, key, value, headers)
  JOIN locked l ON l.topic = r.topic AND l.partition = r.partition)
SELECT topic, partition, next_offset, CASE WHEN $10 <> '' THEN pg_notify('${channel}',
  ${payloadSql("$10", "$11", "partition", "next_offset", "moment.at")})::text END
FROM locked, moment`

const alone = statementAfter("", "")

/** The number of the first parameter that is the preface's. */
const prefaceFrom = 13

// The count is asked for so that the rows of the preface are written before any partition is locked: without it the
// order would be the planner's, and two processes could wait for each other.
const after = (preface: Preface) =>
  statementAfter(
    `preface AS (${preface.insert(prefaceFrom)} RETURNING 1),\n`,
    "WHERE (SELECT count(*) FROM preface) > 0"
  )

/**
 * The effect that appends `records` in one statement, in the caller's transaction where there is one, after the rows
 * of `preface`, and wakes the readers of their topics once they can be read.
 */
export const makeAppend = (
  topics: Topics,
  wakeups: Wakeups
): Effect.Effect<
  (records: ReadonlyArray<OutgoingRecord>, preface?: Preface) => Effect.Effect<ReadonlyArray<Position>, BrokerError>,
  never,
  PgClient.PgClient
> =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const placesOf = makePlaces(topics)

    const append = Effect.fnUntraced(function* (records: ReadonlyArray<OutgoingRecord>, preface?: Preface) {
      if (records.length === 0) return []
      const counts = new Map<string, { topic: number; partition: number; n: number; among: number }>()
      const placed: Array<{ slot: string; topic: number; partition: number; place: number }> = []
      for (const { topic, partition } of yield* placesOf(records)) {
        const slot = `${topic.id}/${partition}`
        let count = counts.get(slot)
        if (count === undefined)
          counts.set(slot, (count = { topic: topic.id, partition, n: 0, among: topic.partitions }))
        placed.push({ slot, topic: topic.id, partition, place: count.n++ })
      }
      const sums = [...counts.values()]
      const grown = new Set(sums.map((sum) => sum.topic))
      const note = wakeups.noteOf(grown)
      const rows = yield* sql
        .unsafe<{ topic: number; partition: number; next_offset: bigint }>(
          preface === undefined ? alone : after(preface),
          [
            smallints(sums.map((c) => c.topic)),
            ints(sums.map((c) => c.partition)),
            ints(sums.map((c) => c.n)),
            smallints(placed.map((p) => p.topic)),
            ints(placed.map((p) => p.partition)),
            ints(placed.map((p) => p.place)),
            byteas(records.map((r) => r.key)),
            byteas(records.map((r) => r.value)),
            texts(records.map((r) => JSON.stringify(r.headers))),
            note ?? "",
            note !== null && records.length === 1 ? contentOf(records[0]!) : "",
            ints(sums.map((c) => c.among)),
            ...(preface?.parameters ?? [])
          ]
        )
        .pipe(refused("append"))
      yield* sql.afterCommit(Effect.sync(() => (note === null ? wakeups.grown(grown) : wakeups.ringAll(grown))))
      const base = new Map(rows.map((row) => [`${row.topic}/${row.partition}`, Number(row.next_offset)]))
      return records.map((record, i): Position => {
        const { slot, partition, place } = placed[i]!
        return { topic: record.topic, partition, offset: base.get(slot)! + place }
      })
    })
    return (records: ReadonlyArray<OutgoingRecord>, preface?: Preface) => placedAnew(topics, append(records, preface))
  })
