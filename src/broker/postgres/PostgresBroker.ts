/**
 * Topics as tables of the same Postgres that holds the journal. Appends can
 * join the caller's transaction, which is what makes the hand-over between
 * stages exactly once here.
 */
import { PgClient } from "@effect/sql-pg"
import { Clock, Duration, Effect, Layer, Queue } from "effect"
import type { Scope } from "effect"
import type { SqlError } from "effect/sql"
import { Broker } from "../Broker.ts"
import type { MemberEvent, Membership } from "../Broker.ts"
import { makeSignal } from "../Signal.ts"
import { shareOf } from "../shares.ts"
import { makeAppend } from "./Append.ts"
import { expireRecords } from "./Expiry.ts"
import { makeFetch } from "./Fetch.ts"
import type { FetchLimits } from "./Fetch.ts"
import { makeGroups, slotOf } from "./Groups.ts"
import { makeLags } from "./Lags.ts"
import { assigned, fetchLoop, lost, revoked, takeNoted } from "./Member.ts"
import type { Member } from "./Member.ts"
import { refused } from "./refused.ts"
import { keepSession } from "./Session.ts"
import type { Session } from "./Session.ts"
import { makeTopics } from "./Topics.ts"
import { makeWakeups } from "./Wakeups.ts"

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

/** Stands for "some group changed" among the numbers of topics, which start at 1. */
const groupsChanged = 0

const make = (options: PostgresBrokerOptions) =>
  Effect.gen(function* () {
    const pg = yield* PgClient.PgClient
    const topics = yield* makeTopics
    const fetch = yield* makeFetch
    const groups = yield* makeGroups(options)
    const lags = yield* makeLags(topics)
    const members = new Set<Member>()
    const keeperBell = makeSignal()
    let session: Session | undefined
    let liveSessions: ReadonlySet<number> = new Set()
    const wakeups = yield* makeWakeups(() => liveSessions.size > (session === undefined ? 0 : 1))
    const append = yield* makeAppend(topics, wakeups)

    /** One look at the groups, and what follows from it for each member here. */
    const keep = Effect.fnUntraced(function* (current: Session) {
      const mine = [...members]
      const view = yield* groups.look(
        current.id,
        mine.map((member) => member.key)
      )
      liveSessions = view.sessions
      for (const member of mine) {
        const slot = slotOf(member.key)
        const alive = view.members.get(slot) ?? []
        if (!alive.includes(current.id)) {
          yield* groups.enter(current.id, member.key, member.topic.partitions)
          keeperBell.ring()
          wakeups.grown([groupsChanged])
          continue
        }
        const share = new Set(shareOf(current.id, alive, member.topic.partitions))
        const claims = view.claims.get(slot) ?? new Set()
        yield* lost(
          member,
          [...member.held.keys()].filter((partition) => !claims.has(partition))
        )
        yield* revoked(
          member,
          [...member.held.keys()].filter((partition) => !share.has(partition))
        )
        const wanted = [...share].filter((partition) => !member.held.has(partition))
        if (wanted.length === 0) continue
        const taken = yield* groups.claim(current.id, member.key, wanted, alive)
        if (taken.length > 0) yield* assigned(member, taken)
      }
    })

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

    const live = (current: Session): Effect.Effect<never, SqlError.SqlError> => {
      let seenAt = 0
      const round = Effect.gen(function* () {
        // The session's own connection is asked first: where it is gone, nothing here may go on.
        yield* current.connection.query("SELECT 1")
        const now = yield* Clock.currentTimeMillis
        if (now - seenAt >= options.sessionTimeoutMs / 4) {
          yield* groups.seen(current.id)
          seenAt = now
        }
        yield* keep(current)
        yield* lookAtEnds
        yield* Effect.raceFirst(keeperBell.wait, Effect.sleep(Duration.millis(options.tickMs)))
      })
      session = current
      return Effect.forever(round)
    }

    const loseAll = Effect.suspend(() => {
      session = undefined
      return Effect.forEach(members, (member) => lost(member, [...member.held.keys()]), { discard: true })
    })

    yield* Effect.forkScoped(keepSession(live, loseAll))

    const join = Effect.fn("Broker.join")(function* ({ group, topic: name }: { group: string; topic: string }) {
      const topic = yield* topics.get(name)
      const member: Member = {
        key: { group, topic: topic.id },
        topic,
        held: new Map(),
        events: yield* Queue.unbounded<MemberEvent>(),
        wake: makeSignal(),
        fetching: false
      }
      members.add(member)
      const unsubscribe = wakeups.subscribe(topic.id, (noted) => {
        if (noted === null || !takeNoted(member, noted)) member.wake.ring()
      })
      // A change in a group is told to the others, so that a join or a leave need not wait for the tick.
      const unsubscribeGroups = wakeups.subscribe(groupsChanged, () => keeperBell.ring())
      yield* Effect.addFinalizer(() =>
        Effect.suspend(() => {
          members.delete(member)
          unsubscribe()
          unsubscribeGroups()
          return session === undefined ? Effect.void : groups.leave(session.id, member.key)
        }).pipe(
          Effect.tap(() => Effect.sync(() => wakeups.grown([groupsChanged]))),
          Effect.timeoutOption("2 seconds"),
          Effect.catch((error) => Effect.logWarning("leaving the group failed; its lock frees it", error.message))
        )
      )
      yield* Effect.forkScoped(fetchLoop(member, options.fetch, (positions) => fetch(topic, positions, options.fetch)))
      keeperBell.ring()
      return membershipOf(member)
    })

    const membershipOf = (member: Member): Membership => {
      const change = (partitions: ReadonlyArray<number>, paused: boolean) =>
        Effect.sync(() => {
          for (const partition of partitions) {
            const state = member.held.get(partition)
            if (state !== undefined) state.paused = paused
          }
          if (!paused) member.wake.ring()
        })
      return {
        events: member.events,
        seek: (partition, offset) =>
          Effect.sync(() => {
            const state = member.held.get(partition)
            if (state !== undefined) state.position = offset
            member.wake.ring()
          }),
        pause: (partitions) => change(partitions, true),
        resume: (partitions) => change(partitions, false),
        commit: (partition, offset) =>
          member.held.has(partition) ? refused("commit")(groups.commit(member.key, partition, offset)) : Effect.void,
        release: (partition) =>
          Effect.suspend(() => {
            member.held.delete(partition)
            return session === undefined
              ? Effect.void
              : refused("release")(
                  Effect.tap(groups.release(session.id, member.key, partition), () =>
                    Effect.sync(() => wakeups.grown([groupsChanged]))
                  )
                )
          })
      }
    }

    return Broker.of({
      transactional: true,
      ensureTopics: topics.ensure,
      append,
      join: join as (options: {
        group: string
        topic: string
      }) => ReturnType<typeof join> & Effect.Effect<Membership, never, Scope.Scope>,
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
