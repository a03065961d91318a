/**
 * Topics in memory, for tests and simulation: the same promises as the others
 * in one thread, with nothing kept. Faults are scripted through the handle:
 * kill a member without a word, take a partition from a live one, fail or
 * delay appends.
 */
import { Clock, Effect, Queue } from "effect"
import { Broker } from "../Broker.ts"
import type { MemberEvent, Membership, TopicSpec } from "../Broker.ts"
import { BrokerError, BrokerUnavailable, PartitionMismatch, RecordRefused, UnknownTopic } from "../BrokerError.ts"
import { partitionOf } from "../murmur2.ts"
import type { Preface } from "../../domain/Preface.ts"
import { sizeFault } from "../Record.ts"
import type { OutgoingRecord, Position, TopicRecord } from "../Record.ts"
import { makeSignal } from "../Signal.ts"
import type { Signal } from "../Signal.ts"
import { shareOf } from "../shares.ts"

interface Log {
  readonly records: Array<TopicRecord>
  first: number
}

interface MemoryTopic {
  readonly spec: TopicSpec
  readonly logs: ReadonlyArray<Log>
}

interface Held {
  position: number | undefined
  paused: boolean
  draining: boolean
}

interface MemoryMember {
  readonly id: number
  readonly group: MemoryGroup
  readonly held: Map<number, Held>
  readonly events: Queue.Queue<MemberEvent>
  readonly wake: Signal
  alive: boolean
}

interface MemoryGroup {
  readonly topic: MemoryTopic
  readonly members: Set<MemoryMember>
  readonly owners: Map<number, MemoryMember>
  readonly committed: Map<number, number>
}

/** What a test may do to a broker in memory. */
export interface MemoryBrokerFaults {
  /** The next `times` appends fail, before (`false`) or after (`true`) they took effect. */
  readonly failAppends: (times: number, after?: boolean) => void
  /** A member stops without a word; the others get its partitions. */
  readonly kill: (membership: Membership) => Effect.Effect<void>
  /** Whether members cannot know what they still hold. */
  readonly leaveUnsure: (unsure: boolean) => void
}

const fetchLimit = 500
/** Event batches that may wait for a member. */
const eventsAhead = 2

const unavailable = () =>
  new BrokerError({ operation: "append", reason: new BrokerUnavailable({ detail: "a scripted fault" }) })

const refused = (detail: string) => new BrokerError({ operation: "append", reason: new RecordRefused({ detail }) })

/** A broker and the handle for its faults. */
export const makeMemoryBroker = Effect.sync(() => {
  let isUnsure = false
  const topics = new Map<string, MemoryTopic>()
  const groups = new Map<string, MemoryGroup>()
  const byMembership = new Map<Membership, MemoryMember>()
  const failing: Array<boolean> = []
  let nextMember = 1
  let turn = 0

  const find = (operation: string, name: string): Effect.Effect<MemoryTopic, BrokerError> => {
    const topic = topics.get(name)
    return topic === undefined
      ? Effect.fail(new BrokerError({ operation, reason: new UnknownTopic({ topic: name }) }))
      : Effect.succeed(topic)
  }

  /** All at once: of two that take turns the older would give by a list of members that is no longer true. */
  const rebalance = (group: MemoryGroup): Effect.Effect<void> =>
    Effect.sync(() => {
      const ids = [...group.members].map((member) => member.id)
      for (const member of group.members) {
        const share = new Set(shareOf(member.id, ids, group.topic.logs.length))
        const back = [...member.held].filter(([p, held]) => !share.has(p) && !held.draining).map(([p]) => p)
        for (const partition of back) member.held.get(partition)!.draining = true
        if (back.length > 0) Queue.offerUnsafe(member.events, { _tag: "Revoked", partitions: back })
        const taken = [...share].filter((p) => !group.owners.has(p))
        for (const partition of taken) {
          group.owners.set(partition, member)
          member.held.set(partition, { position: undefined, paused: false, draining: false })
        }
        if (taken.length > 0) Queue.offerUnsafe(member.events, { _tag: "Assigned", partitions: taken })
      }
    })

  const drop = (member: MemoryMember): Effect.Effect<void> =>
    Effect.suspend(() => {
      member.alive = false
      member.group.members.delete(member)
      for (const [partition, owner] of member.group.owners) if (owner === member) member.group.owners.delete(partition)
      return rebalance(member.group)
    })

  const wakeReaders = (topic: MemoryTopic, partition: number) => {
    for (const group of groups.values()) if (group.topic === topic) group.owners.get(partition)?.wake.ring()
  }

  const append = Effect.fnUntraced(function* (records: ReadonlyArray<OutgoingRecord>, preface?: Preface) {
    if (preface !== undefined) return yield* refused("there is no database beside memory for a preface")
    const fault = failing.shift()
    if (fault === false) return yield* unavailable()
    const timestamp = yield* Clock.currentTimeMillis
    const found = new Map<string, MemoryTopic>()
    for (const record of records) {
      const { topic: name, partition } = record
      const topic = yield* find("append", name)
      found.set(name, topic)
      const tooLarge = sizeFault(record)
      if (tooLarge !== null) return yield* refused(tooLarge)
      if (partition === undefined || topic.logs[partition] !== undefined) continue
      return yield* refused(`topic "${name}" has ${topic.logs.length} partitions and no partition ${partition}`)
    }
    const positions = records.map(({ topic, key, value, headers, partition: named }): Position => {
      const { logs } = found.get(topic)!
      const partition = named ?? (key === null ? turn++ % logs.length : partitionOf(key, logs.length))
      const log = logs[partition]!
      const offset = log.first + log.records.length
      log.records.push({ topic, partition, offset, key, value, headers, timestamp })
      return { topic, partition, offset }
    })
    for (const { topic, partition } of positions) wakeReaders(found.get(topic)!, partition)
    if (fault === true) return yield* unavailable()
    return positions
  })

  const slice = (log: Log, from: number, limit: number) => {
    const start = Math.max(0, from - log.first)
    return log.records.slice(start, start + limit)
  }

  /** As every broker: who does not take what was read is given no more. */
  const room = (member: MemoryMember): Effect.Effect<void> =>
    Effect.suspend(() =>
      Queue.sizeUnsafe(member.events) < eventsAhead
        ? Effect.void
        : Effect.andThen(Effect.sleep("2 millis"), room(member))
    )

  const fetchLoop = (member: MemoryMember): Effect.Effect<never> =>
    Effect.forever(
      Effect.gen(function* () {
        yield* room(member)
        const records: Array<TopicRecord> = []
        for (const [partition, held] of member.held) {
          if (held.position === undefined || held.paused || held.draining) continue
          const batch = slice(member.group.topic.logs[partition]!, held.position, fetchLimit)
          if (batch.length === 0) continue
          held.position = batch.at(-1)!.offset + 1
          records.push(...batch)
        }
        if (records.length === 0 || !member.alive) return yield* member.wake.wait
        yield* Queue.offer(member.events, { _tag: "Records", records })
      })
    )

  const membershipOf = (member: MemoryMember): Membership => {
    const change = (partitions: ReadonlyArray<number>, paused: boolean) =>
      Effect.sync(() => {
        for (const partition of partitions) {
          const held = member.held.get(partition)
          if (held !== undefined) held.paused = paused
        }
        member.wake.ring()
      })
    return {
      isSure: () => !isUnsure,
      holds: () => true,
      events: member.events,
      seek: (partition, offset) =>
        Effect.sync(() => {
          const held = member.held.get(partition)
          if (held !== undefined) held.position = offset
          member.wake.ring()
        }),
      pause: (partitions) => change(partitions, true),
      resume: (partitions) => change(partitions, false),
      commit: (partition, offset) =>
        Effect.sync(() => {
          const { committed } = member.group
          if (member.held.has(partition)) committed.set(partition, Math.max(committed.get(partition) ?? 0, offset))
        }),
      release: (partition) =>
        Effect.suspend(() => {
          member.held.delete(partition)
          if (member.group.owners.get(partition) === member) member.group.owners.delete(partition)
          return rebalance(member.group)
        })
    }
  }

  const broker = Broker.of({
    ensureTopics: Effect.fn("Broker.ensureTopics")(function* (specs: ReadonlyArray<TopicSpec>) {
      for (const spec of specs) {
        const known = topics.get(spec.name)
        if (known === undefined) {
          topics.set(spec.name, {
            spec,
            logs: Array.from({ length: spec.partitions }, () => ({ records: [], first: 0 }))
          })
        } else if (known.logs.length !== spec.partitions) {
          return yield* new BrokerError({
            operation: "create topics",
            reason: new PartitionMismatch({ topic: spec.name, expected: spec.partitions, actual: known.logs.length })
          })
        }
      }
    }),
    append,
    handOver: append,
    join: Effect.fn("Broker.join")(function* ({ group: groupName, topic: name }: { group: string; topic: string }) {
      const topic = yield* find("join", name)
      const slot = `${groupName}/${name}`
      let group = groups.get(slot)
      if (group === undefined) {
        groups.set(slot, (group = { topic, members: new Set(), owners: new Map(), committed: new Map() }))
      }
      const member: MemoryMember = {
        id: nextMember++,
        group,
        held: new Map(),
        events: yield* Queue.unbounded<MemberEvent>(),
        wake: makeSignal(),
        alive: true
      }
      group.members.add(member)
      yield* Effect.addFinalizer(() => (member.alive ? drop(member) : Effect.void))
      yield* Effect.forkScoped(fetchLoop(member))
      yield* rebalance(group)
      const membership = membershipOf(member)
      byMembership.set(membership, member)
      return membership
    }),
    read: ({ topic, partition, from, limit }) =>
      Effect.map(find("read", topic), ({ logs }) => slice(logs[partition]!, from, limit)),
    ends: (name) =>
      Effect.map(find("read ends", name), ({ logs }) =>
        logs.map((log, partition) => ({ partition, first: log.first, next: log.first + log.records.length }))
      ),
    lag: (groupName, name) =>
      Effect.map(find("read lag", name), ({ logs }) =>
        logs.map((log, partition) => {
          const next = log.first + log.records.length
          const committed = Math.max(groups.get(`${groupName}/${name}`)?.committed.get(partition) ?? 0, log.first)
          return { partition, first: log.first, next, committed, lag: next - committed }
        })
      ),
    expire: Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      let dropped = 0
      for (const { spec, logs } of topics.values()) {
        for (const [partition, log] of logs.entries()) {
          const read = [...groups]
            .filter(([slot]) => slot.endsWith(`/${spec.name}`))
            .map(([, group]) => group.committed.get(partition) ?? 0)
          const keep = log.records.findIndex(
            (record) =>
              record.timestamp >= now - spec.retentionMs || read.some((committed) => committed <= record.offset)
          )
          const gone = keep === -1 ? log.records.length : keep
          log.records.splice(0, gone)
          log.first += gone
          dropped += gone
        }
      }
      return dropped
    })
  })

  const faults: MemoryBrokerFaults = {
    leaveUnsure: (unsure) => void (isUnsure = unsure),
    failAppends: (times, after = false) => {
      for (let i = 0; i < times; i++) failing.push(after)
    },
    kill: (membership) => {
      const member = byMembership.get(membership)
      return member === undefined ? Effect.void : drop(member)
    }
  }
  return { broker, faults }
})
