/**
 * The keeper of the groups: one look at members and claims, again and again,
 * and what follows from it for each member of this process. Which partitions a
 * member ought to have is told from outside; that nobody else has them is kept
 * here, by rows that are held by sessions that live.
 */
import { Clock, Duration, Effect, Queue } from "effect"
import type { PgClient } from "@effect/sql-pg"
import type { Scope } from "effect"
import type { SqlError } from "effect/sql"
import type { MemberEvent, Membership } from "../Broker.ts"
import type { BrokerError } from "../BrokerError.ts"
import { makeSignal } from "../Signal.ts"
import { makeGroups, seenShare, slotOf } from "./Groups.ts"
import type { DeadMember, GroupTimes } from "./Groups.ts"
import { assigned, lost, revoked } from "./Member.ts"
import type { Member } from "./Member.ts"
import { refused } from "./refused.ts"
import { keepSession } from "./Session.ts"
import type { Session } from "./Session.ts"
import type { StoredTopic } from "./Topics.ts"
import type { Bell, Wakeups } from "./Wakeups.ts"

export interface KeeperOptions extends GroupTimes {
  /** How often members and claims are looked at, ms: bounds how long a killed member's partitions stay idle. */
  readonly tickMs: number
  /** The partitions that `member` ought to have, where `alive` are the sessions of its group. */
  readonly share: (member: Member, session: number, alive: ReadonlyArray<number>) => Iterable<number>
  /** Done at every look besides. */
  readonly round: Effect.Effect<void, SqlError.SqlError>
  /** A topic has more partitions than before. */
  readonly grown: () => void
  /** Members whose session ended without a word; told to one of those who see it. */
  readonly departed: (members: ReadonlyArray<DeadMember>) => Effect.Effect<void>
}

export interface Keeper {
  /** Sessions that live, of any group. */
  readonly others: () => boolean
  /** A member, as long as the scope is open; `grown` is called when its topic may have grown. */
  readonly join: (
    group: string,
    topic: StoredTopic,
    grown: (member: Member) => Bell
  ) => Effect.Effect<Member, never, Scope.Scope>
  readonly membershipOf: (
    member: Member,
    commit: (partition: number, offset: number) => Effect.Effect<unknown, BrokerError>
  ) => Membership
  readonly groups: Effect.Success<ReturnType<typeof makeGroups>>
  /** What the broker's own coordinator calls a member; whoever finds it dead has it leave there too. */
  readonly named: (member: Member, id: string) => Effect.Effect<unknown, SqlError.SqlError>
}

/** Stands for "some group changed" among the numbers of topics, which start at 1. */
const groupsChanged = 0

/** How much of the time that others wait for a session one trusts in having been heard of. */
const sureShare = 0.8

/** The keeper of this process; it keeps a session of its own as long as the scope is open. */
export const makeKeeper = (
  options: KeeperOptions,
  wakeupsOf: (others: () => boolean) => Effect.Effect<Wakeups, never, PgClient.PgClient | Scope.Scope>
) =>
  Effect.gen(function* () {
    const groups = yield* makeGroups(options)
    const clock = yield* Clock.Clock
    const members = new Set<Member>()
    const bell = makeSignal()
    let session: Session | undefined
    let liveSessions: ReadonlySet<number> = new Set()
    // By both clocks: one may stand still while a machine sleeps, the other may be set.
    let sure = { wall: Number.NEGATIVE_INFINITY, monotonic: 0n }
    const isSure = () =>
      clock.currentTimeMillisUnsafe() < sure.wall && clock.monotonicTimeNanosUnsafe() < sure.monotonic
    const others = () => liveSessions.size > (session === undefined ? 0 : 1)
    const wakeups = yield* wakeupsOf(others)

    /** One look at the groups, and what follows from it for each member here. */
    const keep = Effect.fnUntraced(function* (current: Session) {
      const mine = [...members]
      const view = yield* groups.look(
        current.id,
        mine.map((member) => member.key)
      )
      liveSessions = view.sessions
      if (view.departed.length > 0) yield* options.departed(view.departed)
      for (const member of mine) {
        const slot = slotOf(member.key)
        const alive = view.members.get(slot) ?? []
        if (!alive.includes(current.id)) {
          yield* groups.enter(current.id, member.key, member.topic.partitions, member.memberId)
          bell.ring()
          wakeups.grown([groupsChanged])
          continue
        }
        const partitions = view.partitions.get(member.topic.id) ?? member.topic.partitions
        if (partitions !== member.topic.partitions) {
          member.topic = { ...member.topic, partitions }
          options.grown()
          yield* groups.enter(current.id, member.key, partitions, member.memberId)
        }
        // What is nobody's goes to those who were heard of lately; what one that is silent has stays with it.
        const brisk = alive.filter((id) => !view.silent.has(id))
        const due = new Set(options.share(member, current.id, alive))
        const meanwhile = brisk.length === alive.length ? due : new Set(options.share(member, current.id, brisk))
        const claims = view.claims.get(slot) ?? new Set()
        yield* lost(
          member,
          [...member.held.keys()].filter((partition) => !claims.has(partition))
        )
        yield* revoked(
          member,
          [...member.held.keys()].filter((partition) => !due.has(partition) && !meanwhile.has(partition))
        )
        const wanted = [...due.union(meanwhile)].filter((partition) => !member.held.has(partition))
        if (wanted.length === 0) continue
        const insist = wanted.filter((partition) => due.has(partition) && meanwhile.has(partition))
        const taken = yield* groups.claim(current.id, member.key, wanted, alive, insist)
        if (taken.length > 0) yield* assigned(member, taken)
      }
    })

    const live = (current: Session): Effect.Effect<never, SqlError.SqlError> => {
      let seenAt = 0
      let next = sure
      const round = Effect.gen(function* () {
        // The session's own connection is asked first: where it is gone, nothing here may go on.
        yield* current.connection.query("SELECT 1")
        const now = clock.currentTimeMillisUnsafe()
        if (Math.abs(now - seenAt) >= options.sessionTimeoutMs * seenShare) {
          const sureMs = Math.floor(options.sessionTimeoutMs * sureShare)
          next = { wall: now + sureMs, monotonic: clock.monotonicTimeNanosUnsafe() + BigInt(sureMs) * 1_000_000n }
          yield* groups.seen(current.id)
          seenAt = now
        }
        yield* keep(current)
        // Only now: what was lost meanwhile is known.
        sure = next
        yield* options.round
        yield* Effect.raceFirst(bell.wait, Effect.sleep(Duration.millis(options.tickMs)))
      })
      session = current
      return Effect.forever(round)
    }

    const loseAll = Effect.suspend(() => {
      session = undefined
      sure = { wall: Number.NEGATIVE_INFINITY, monotonic: 0n }
      return Effect.forEach(members, (member) => lost(member, [...member.held.keys()]), { discard: true })
    })

    yield* Effect.forkScoped(keepSession(live, loseAll))

    const join: Keeper["join"] = Effect.fnUntraced(function* (group, topic, grown) {
      const member: Member = {
        key: { group, topic: topic.id },
        topic,
        held: new Map(),
        events: yield* Queue.unbounded<MemberEvent>(),
        wake: makeSignal(),
        fetching: false,
        memberId: null
      }
      members.add(member)
      const unsubscribe = wakeups.subscribe(topic.id, grown(member))
      // A change in a group is told to the others, so that a join or a leave need not wait for the tick.
      const unsubscribeGroups = wakeups.subscribe(groupsChanged, () => bell.ring())
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
      bell.ring()
      return member
    })

    const membershipOf: Keeper["membershipOf"] = (member, commit) => {
      const change = (partitions: ReadonlyArray<number>, paused: boolean) =>
        Effect.sync(() => {
          for (const partition of partitions) {
            const state = member.held.get(partition)
            if (state !== undefined) state.paused = paused
          }
          if (!paused) member.wake.ring()
        })
      return {
        isSure,
        holds: (partition) => member.held.has(partition),
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
          member.held.has(partition) ? Effect.asVoid(commit(partition, offset)) : Effect.void,
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

    const named: Keeper["named"] = (member, id) => {
      member.memberId = id
      return session === undefined ? Effect.void : groups.named(session.id, member.key, id)
    }

    return { keeper: { others, join, membershipOf, groups, named } satisfies Keeper, wakeups }
  })
