/**
 * The port to the topics. Whoever implements it keeps three promises: records
 * of one partition are read in the order in which they were appended, offsets
 * become visible without gaps, and one partition of a group has one member at
 * a time (the journal's epoch is the fence where that promise is late).
 */
import { Context } from "effect"
import type { Effect, Queue, Scope } from "effect"
import type { Preface } from "../domain/Preface.ts"
import type { BrokerError } from "./BrokerError.ts"
import type { OutgoingRecord, Position, TopicRecord } from "./Record.ts"

export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  /** How long records are kept, ms. */
  readonly retentionMs: number
}

/** What happens to a member of a consumer group, in order. */
export type MemberEvent = Assigned | Revoked | Lost | Records

/** The member reads these partitions from now on; nothing is fetched before `seek`. */
export interface Assigned {
  readonly _tag: "Assigned"
  readonly partitions: ReadonlyArray<number>
}

/** The member should give these partitions up: finish, then `release` each; others wait for that, up to a bound. */
export interface Revoked {
  readonly _tag: "Revoked"
  readonly partitions: ReadonlyArray<number>
}

/** Somebody else may own these partitions already: drop them, write nothing. */
export interface Lost {
  readonly _tag: "Lost"
  readonly partitions: ReadonlyArray<number>
}

/** Records in log order within each partition. */
export interface Records {
  readonly _tag: "Records"
  readonly records: ReadonlyArray<TopicRecord>
  /** By partition where it was read to, where that is behind its last record: places of the log may hold none. */
  readonly readTo?: ReadonlyMap<number, number>
}

export interface Membership {
  /**
   * Whether nobody else can have been given its partitions meanwhile: the group has heard of it not long ago. Who was
   * frozen, or cut off, for as long as a session lasts must start nothing before it has learned what it still holds.
   */
  readonly isSure: () => boolean
  /** Whether the partition is still its own, as far as it knows. */
  readonly holds: (partition: number) => boolean
  readonly events: Queue.Dequeue<MemberEvent>
  /** Reads `partition` from `offset` on; also starts a newly assigned one. */
  readonly seek: (partition: number, offset: number) => Effect.Effect<void>
  readonly pause: (partitions: ReadonlyArray<number>) => Effect.Effect<void>
  readonly resume: (partitions: ReadonlyArray<number>) => Effect.Effect<void>
  /** Tells lag tools how far the group is; never goes backwards. */
  readonly commit: (partition: number, offset: number) => Effect.Effect<void, BrokerError>
  /** Hands a revoked partition back. */
  readonly release: (partition: number) => Effect.Effect<void, BrokerError>
}

export interface PartitionEnds {
  readonly partition: number
  /** The oldest offset that is kept. */
  readonly first: number
  /** The offset the next record will have. */
  readonly next: number
}

export interface PartitionLag extends PartitionEnds {
  readonly committed: number
  readonly lag: number
}

export class Broker extends Context.Service<
  Broker,
  {
    /** Creates what is missing; another number of partitions than the existing one is refused. */
    readonly ensureTopics: (topics: ReadonlyArray<TopicSpec>) => Effect.Effect<void, BrokerError>
    /** Appends all or nothing where they are right; records of one partition keep the order they have in the array. */
    readonly append: (records: ReadonlyArray<OutgoingRecord>) => Effect.Effect<ReadonlyArray<Position>, BrokerError>
    /**
     * Hands records over within the caller's SQL transaction: they are appended where it commits, soon after it at the
     * latest, in the order in which they were handed over, and not where it does not. A `preface` is written in the same
     * statement, before them.
     */
    readonly handOver: (
      records: ReadonlyArray<OutgoingRecord>,
      preface?: Preface
    ) => Effect.Effect<unknown, BrokerError>
    /** Joins the consumer group of `topic`; leaving is the end of the scope. */
    readonly join: (options: {
      readonly group: string
      readonly topic: string
    }) => Effect.Effect<Membership, BrokerError, Scope.Scope>
    /** At most `limit` records of a partition from `from` on. */
    readonly read: (options: {
      readonly topic: string
      readonly partition: number
      readonly from: number
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<TopicRecord>, BrokerError>
    /** First and next offset of each partition of a topic. */
    readonly ends: (topic: string) => Effect.Effect<ReadonlyArray<PartitionEnds>, BrokerError>
    /** How far a group is behind, by what it committed. */
    readonly lag: (group: string, topic: string) => Effect.Effect<ReadonlyArray<PartitionLag>, BrokerError>
    /** Drops records older than their topic's retention that every group has read; answers how many went. */
    readonly expire: Effect.Effect<number, BrokerError>
  }
>()("postroom/broker/Broker") {}
