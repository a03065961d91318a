/**
 * One member of one consumer group: what it holds, where it reads, and the
 * loop that fetches. Plain state that only its own two fibers and the group
 * keeper change.
 *
 * A partition is: absent → `held` (claimed, Assigned sent, waits for seek) →
 * `reading` (from a position, or paused) → `draining` (Revoked sent, waits for
 * release) → absent. Lost removes it from any of these at once.
 */
import { Effect, Queue } from "effect"
import type { MemberEvent } from "../Broker.ts"
import type { BrokerError } from "../BrokerError.ts"
import type { TopicRecord } from "../Record.ts"
import type { Signal } from "../Signal.ts"
import type { GroupKey } from "./Groups.ts"
import type { NotedRecord } from "./Note.ts"
import type { StoredTopic } from "./Topics.ts"

/** Where a partition is to be read from. */
export interface FetchPosition {
  readonly partition: number
  readonly from: number
}

interface HeldPartition {
  position: number | undefined
  paused: boolean
  draining: boolean
}

export interface Member {
  readonly key: GroupKey
  /** With as many partitions as it has now. */
  topic: StoredTopic
  readonly held: Map<number, HeldPartition>
  readonly events: Queue.Queue<MemberEvent>
  readonly wake: Signal
  /** Whether a fetch is under way, which may bring what a note brings too. */
  fetching: boolean
  /** What the broker's own coordinator calls it, where there is one. */
  memberId: string | null
}

/** Takes up newly claimed partitions. */
export const assigned = (member: Member, partitions: ReadonlyArray<number>): Effect.Effect<void> => {
  for (const partition of partitions) {
    member.held.set(partition, { position: undefined, paused: false, draining: false })
  }
  return Effect.asVoid(Queue.offer(member.events, { _tag: "Assigned", partitions }))
}

/** Asks for partitions back, once each. */
export const revoked = (member: Member, partitions: ReadonlyArray<number>): Effect.Effect<void> => {
  const fresh = partitions.filter((partition) => member.held.get(partition)?.draining === false)
  for (const partition of fresh) member.held.get(partition)!.draining = true
  return fresh.length === 0
    ? Effect.void
    : Effect.asVoid(Queue.offer(member.events, { _tag: "Revoked", partitions: fresh }))
}

/** Drops partitions that somebody else may own by now. */
export const lost = (member: Member, partitions: ReadonlyArray<number>): Effect.Effect<void> => {
  const gone = partitions.filter((partition) => member.held.delete(partition))
  return gone.length === 0 ? Effect.void : Effect.asVoid(Queue.offer(member.events, { _tag: "Lost", partitions: gone }))
}

const positionsOf = (member: Member): ReadonlyArray<FetchPosition> => {
  const positions: Array<FetchPosition> = []
  for (const [partition, state] of member.held) {
    if (state.position === undefined || state.paused || state.draining) continue
    positions.push({ partition, from: state.position })
  }
  return positions
}

/** What a fetch brought. */
export interface Fetched {
  /** In log order within each partition. */
  readonly records: ReadonlyArray<TopicRecord>
  /** Where partitions go on, where that is not behind their last record: the log has places without records. */
  readonly next?: ReadonlyMap<number, number>
  /** Whether there may be more at once. */
  readonly isCut: boolean
}

/** Advances the positions and drops what was paused, revoked or moved by a seek while the fetch was under way. */
const accept = (member: Member, asked: ReadonlyArray<FetchPosition>, { records, next }: Fetched) => {
  const from = new Map(asked.map((p) => [p.partition, p.from]))
  const stale = new Set<number>()
  for (const [partition, position] of from) {
    const state = member.held.get(partition)
    if (state === undefined || state.position !== position || state.paused || state.draining) stale.add(partition)
  }
  const fresh = stale.size === 0 ? records : records.filter((record) => !stale.has(record.partition))
  for (const record of fresh) member.held.get(record.partition)!.position = record.offset + 1
  const readTo = new Map<number, number>()
  for (const [partition, position] of next ?? []) {
    if (stale.has(partition)) continue
    const state = member.held.get(partition)!
    if (position > state.position!) readTo.set(partition, position)
    state.position = position
  }
  return { records: fresh, readTo }
}

/** Event batches that may wait for the member: more would only hold memory. */
const eventsAhead = 2

/**
 * Waits until the member has taken what was read before. Only reading waits:
 * what becomes of partitions is told at once, so a member that is busy never
 * holds up the keeper of the groups, which speaks for the whole process.
 */
const room = (member: Member): Effect.Effect<void> =>
  Effect.suspend(() =>
    Queue.sizeUnsafe(member.events) < eventsAhead ? Effect.void : Effect.andThen(Effect.sleep("2 millis"), room(member))
  )

/**
 * Takes a record that a note brought, where it is the next one of a partition that is read and nothing else is on its
 * way; answers false where it must be fetched.
 */
export const takeNoted = (member: Member, record: NotedRecord): boolean => {
  const state = member.held.get(record.partition)
  const isNext = state !== undefined && state.position === record.offset && !state.paused && !state.draining
  if (!isNext || member.fetching || Queue.sizeUnsafe(member.events) >= eventsAhead) return false
  state.position = record.offset + 1
  Queue.offerUnsafe(member.events, { _tag: "Records", records: [{ ...record, topic: member.topic.name }] })
  return true
}

/**
 * Fetches for ever. It sleeps when it has read all there was, and goes on when the topic
 * grows or a partition is taken, sought or resumed; while nobody takes what
 * was read it reads no more.
 */
export const fetchLoop = (
  member: Member,
  fetch: (positions: ReadonlyArray<FetchPosition>) => Effect.Effect<Fetched, BrokerError>
): Effect.Effect<never> =>
  Effect.suspend(() => {
    // Each thing is said once, not five times a second for as long as it lasts.
    let said: string | null = null
    const round = Effect.gen(function* () {
      yield* room(member)
      const positions = positionsOf(member)
      if (positions.length === 0) return yield* member.wake.wait
      member.fetching = true
      const fetched = yield* fetch(positions)
      said = null
      const { records, readTo } = accept(member, positions, fetched)
      member.fetching = false
      if (records.length + readTo.size > 0) yield* Queue.offer(member.events, { _tag: "Records", records, readTo })
      // What was appended since has rung: that ring is remembered.
      if (!fetched.isCut) yield* member.wake.wait
    })
    const afterFailure = (error: BrokerError) => {
      member.fetching = false
      const log = said === error.message ? Effect.logDebug : Effect.logWarning
      said = error.message
      return Effect.andThen(log("reading the topic failed, trying again", error.message), Effect.sleep("200 millis"))
    }
    return Effect.forever(Effect.catch(round, afterFailure))
  })
