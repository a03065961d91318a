/**
 * The way from a transaction of the database to Kafka: records are rows of it
 * first, and one relay of all processes appends them in the order of their
 * numbers. A number is given after all that was committed before, so what was
 * caused by another comes behind it. What is appended and not yet removed when
 * a relay dies is appended again: readers know records by their ids.
 */
import { PgClient, PgConnection } from "@effect/sql-pg"
import { Effect, Schedule } from "effect"
import type { BrokerError } from "../BrokerError.ts"
import { byteas, ints, texts } from "../../database/columns.ts"
import type { Preface } from "../../domain/Preface.ts"
import type { Headers, OutgoingRecord, Position } from "../Record.ts"
import { makeSignal } from "../Signal.ts"
import { refused } from "../rows/refused.ts"
import { keepRelayLock, takeRelayLock } from "./relayLock.ts"
import { makePlaces, placedAnew } from "../rows/places.ts"
import { settled, settledBy } from "./settled.ts"
import type { Topics } from "../rows/Topics.ts"
import type { Wakeups } from "../rows/Wakeups.ts"

/** Stands for "the outbox has grown" among the numbers of topics. */
const outboxGrown = 0x7fff

/** Rows per round, and bytes of their values: one more than fits goes along, or a large one would never go. */
const [page, pageBytes] = [1_000, 8 << 20]

const readPage = `
SELECT id, topic, partition, key, value, headers
FROM (SELECT *, sum(coalesce(octet_length(value), 0)) OVER (ORDER BY id) - coalesce(octet_length(value), 0) AS before
      FROM (SELECT * FROM outbox ORDER BY id LIMIT ${page}) o) p
WHERE before < ${pageBytes} ORDER BY id`

/** The look for what no bell told of, ms. */
const lookMs = 500

const rowsAfter = (preface: string, onlyAfter: string) =>
  `WITH ${preface}settled AS (${settled(6)})
   INSERT INTO outbox (topic, partition, key, value, headers)
   SELECT topic, partition, key, value, headers
   FROM unnest($1::text[], $2::int4[], $3::bytea[], $4::bytea[], $5::text[]) WITH ORDINALITY
     r (topic, partition, key, value, headers, place)
   WHERE ${onlyAfter}(SELECT sum(still) FROM settled) > 0 ORDER BY place`

const alone = rowsAfter("", "")

/** The number of the first parameter that is the preface's. */
const prefaceFrom = 8

const after = (preface: Preface) =>
  rowsAfter(`preface AS (${preface.insert(prefaceFrom)} RETURNING 1), `, "(SELECT count(*) FROM preface) > 0 AND ")

/** Hands records over in the caller's transaction. */
export const makeHandOver = (topics: Topics, wakeups: Wakeups) =>
  Effect.map(PgClient.PgClient, (sql) => {
    const placesOf = makePlaces(topics)
    const handOver = Effect.fnUntraced(function* (records: ReadonlyArray<OutgoingRecord>, preface?: Preface) {
      if (records.length === 0) return
      const places = yield* placesOf(records)
      yield* sql
        .unsafe(preface === undefined ? alone : after(preface), [
          texts(records.map(({ topic }) => topic)),
          ints(places.map(({ partition }) => partition)),
          byteas(records.map(({ key }) => key)),
          byteas(records.map(({ value }) => value)),
          texts(records.map(({ headers }) => JSON.stringify(headers))),
          ...settledBy(places),
          ...(preface?.parameters ?? [])
        ])
        .pipe(refused("hand over"))
      yield* sql.afterCommit(Effect.sync(() => wakeups.grown([outboxGrown])))
    })
    return (records: ReadonlyArray<OutgoingRecord>, preface?: Preface) => placedAnew(topics, handOver(records, preface))
  })

interface Row {
  readonly id: bigint
  readonly topic: string
  readonly partition: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: string
}

const recordOf = (row: Row): OutgoingRecord => ({
  topic: row.topic,
  partition: row.partition,
  key: row.key,
  value: row.value,
  headers: JSON.parse(row.headers) as Headers
})

/** Waits to be the relay, and is it until its connection or its scope ends. `besides` is done whenever it rests. */
const relay = (
  wakeups: Wakeups,
  append: (records: ReadonlyArray<OutgoingRecord>) => Effect.Effect<ReadonlyArray<Position>, BrokerError>,
  besides: Effect.Effect<void>,
  silentMs: number
) =>
  Effect.gen(function* () {
    const pg = yield* PgClient.PgClient
    const connection = yield* PgConnection.make({ ...pg.config, multiplex: false, applicationName: "postroom relay" })
    yield* takeRelayLock(connection, silentMs)
    const bell = makeSignal()
    const unsubscribe = wakeups.subscribe(outboxGrown, () => bell.ring())
    yield* Effect.addFinalizer(() => Effect.sync(unsubscribe))

    const round = Effect.gen(function* () {
      const rows = yield* pg.unsafe<Row>(readPage)
      if (rows.length === 0) {
        yield* besides
        return yield* Effect.raceFirst(bell.wait, Effect.sleep(lookMs))
      }
      yield* appendAll(rows.map(recordOf))
      yield* pg`DELETE FROM outbox WHERE id = ANY (${rows.map(({ id }) => String(id))}::int8[])`
    })

    /** A record that Kafka will never take must not keep back all behind it: it goes alone, and is told of. */
    const appendAll = (records: ReadonlyArray<OutgoingRecord>): Effect.Effect<unknown, BrokerError> =>
      append(records).pipe(
        Effect.catchIf(
          (error) => !error.isRetryable,
          (error) =>
            records.length === 1
              ? Effect.logError("Kafka refused a record, which is dropped", error.message, records[0]!.topic)
              : Effect.forEach(records, (record) => appendAll([record]), { discard: true })
        ),
        Effect.tapError((error) => Effect.logWarning("the relay waits for Kafka", error.message)),
        Effect.retry(Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("1 second")]))
      )
    // Whoever has lost the lock is no relay any more, also in the middle of a wait for Kafka.
    return yield* Effect.raceFirst(Effect.forever(round), keepRelayLock(connection, silentMs))
  })

/**
 * Takes part in the relay as long as the scope is open; `besides` is done by who is the relay, whenever it rests. A
 * relay that was silent for `silentMs` is one no more.
 */
export const runRelay = (
  wakeups: Wakeups,
  append: (records: ReadonlyArray<OutgoingRecord>) => Effect.Effect<ReadonlyArray<Position>, BrokerError>,
  besides: Effect.Effect<void>,
  silentMs: number
) =>
  Effect.forkScoped(
    Effect.scoped(relay(wakeups, append, besides, silentMs)).pipe(
      Effect.tapError((error) => Effect.logWarning("the relay begins again", error.message)),
      Effect.retry(Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("1 second")]))
    )
  )
