/**
 * Topics as tables of the same Postgres that holds the journal. Appends can
 * join the caller's transaction, which is what makes the hand-over between
 * stages exactly once here.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer } from "effect"
import { Broker } from "../Broker.ts"
import { shareOf } from "../shares.ts"
import { makeAppend } from "./Append.ts"
import { expireRecords } from "./Expiry.ts"
import { isCut, makeFetch } from "./Fetch.ts"
import type { FetchLimits } from "./Fetch.ts"
import { makeKeeper } from "../rows/Keeper.ts"
import { makeLags } from "./Lags.ts"
import { fetchLoop, takeNoted } from "../rows/Member.ts"
import { refused } from "../rows/refused.ts"
import { makeTopics } from "../rows/Topics.ts"
import { makeWakeups } from "../rows/Wakeups.ts"

export interface PostgresBrokerOptions {
  /** How often members and ends are looked at, ms: bounds how long a killed member's partitions stay idle. */
  readonly tickMs: number
  /** A session that was not seen for so long is dead, ms. */
  readonly sessionTimeoutMs: number
  /** How long a revoked partition may drain before another member takes it, ms. */
  readonly drainBoundMs: number
  readonly fetch: FetchLimits
}

export const defaultOptions: PostgresBrokerOptions = {
  tickMs: 250,
  sessionTimeoutMs: 10_000,
  drainBoundMs: 30_000,
  fetch: { records: 500, bytes: 1024 * 1024 }
}

const make = (options: PostgresBrokerOptions) =>
  Effect.gen(function* () {
    const pg = yield* PgClient.PgClient
    const topics = yield* makeTopics
    const fetch = yield* makeFetch
    const lags = yield* makeLags(topics)

    // The safety net for a lost wake-up: topics that grew since the last look.
    const sums = new Map<number, bigint>()
    const lookAtEnds = Effect.gen(function* () {
      const rows = yield* pg<{ topic: number; sum: bigint }>`
        SELECT topic, sum(next_offset)::int8 AS sum FROM topic_partition GROUP BY topic`
      for (const row of rows) {
        if (sums.get(row.topic) !== row.sum) wakeups.ring(row.topic)
        sums.set(row.topic, row.sum)
      }
    })

    const { keeper, wakeups } = yield* makeKeeper(
      {
        ...options,
        share: (member, session, alive) => shareOf(session, alive, member.topic.partitions),
        round: Effect.suspend(() => lookAtEnds),
        grown: topics.forget,
        departed: () => Effect.void
      },
      makeWakeups
    )
    const append = yield* makeAppend(topics, wakeups)

    const join = Effect.fn("Broker.join")(function* ({ group, topic: name }: { group: string; topic: string }) {
      const topic = yield* topics.get(name)
      const member = yield* keeper.join(group, topic, (one) => (noted) => {
        if (noted === null || !takeNoted(one, noted)) one.wake.ring()
      })
      yield* Effect.forkScoped(
        fetchLoop(member, (positions) =>
          Effect.map(fetch(topic, positions, options.fetch), (records) => ({
            records,
            // Where a limit cut it short, there may be more at once.
            isCut: isCut(records, options.fetch)
          }))
        )
      )
      return keeper.membershipOf(member, (partition, offset) =>
        refused("commit")(keeper.groups.commit(member.key, partition, offset))
      )
    })

    return Broker.of({
      handOver: append,
      ensureTopics: topics.ensure,
      append,
      join,
      read: ({ topic, partition, from, limit }) =>
        Effect.flatMap(topics.get(topic), (found) =>
          fetch(found, [{ partition, from }], { records: limit, bytes: options.fetch.bytes })
        ),
      ends: lags.ends,
      lag: lags.lag,
      expire: expireRecords(pg, topics)
    })
  })

/** The broker on the Postgres of the surrounding SqlClient, whose migrations have run. */
export const layer = (options: Partial<PostgresBrokerOptions> = {}) =>
  Layer.effect(Broker, make({ ...defaultOptions, ...options }))
