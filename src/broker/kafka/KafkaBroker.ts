/**
 * Topics in Kafka, everything else as before: shares are dealt by the sessions
 * that live and who has a partition is settled by claims in the database, as
 * with topics there; Kafka's coordinator is told, so that its tools show the
 * members and how far they are; and what a transaction hands over goes by way
 * of the outbox.
 */
import { PgClient } from "@effect/sql-pg"
import { Clock, Effect, Layer } from "effect"
import { Broker } from "../Broker.ts"
import type { BrokerError } from "../BrokerError.ts"
import { shareOf } from "../shares.ts"
import { asked } from "./refused.ts"
import { bigints, ints, smallints } from "../../database/columns.ts"
import { makeKeeper } from "../rows/Keeper.ts"
import { fetchLoop } from "../rows/Member.ts"
import { refused } from "../rows/refused.ts"
import { makeTopics } from "../rows/Topics.ts"
import { makeWakeups } from "../rows/Wakeups.ts"
import { makeClient, unavailable } from "./client.ts"
import type { KafkaSettings } from "./client.ts"
import { makeFetch } from "./Fetch.ts"
import { evict, makeGroupMember } from "./GroupMember.ts"
import type { GroupTimes } from "./GroupMember.ts"
import { makeHandOver, runRelay } from "./Outbox.ts"
import { makeProduce } from "./Produce.ts"
import { makeKafkaTopics } from "./Topics.ts"

export interface KafkaBrokerOptions extends KafkaSettings, GroupTimes {
  /** How often members and claims are looked at, ms. */
  readonly tickMs: number
  /** How long a revoked partition may drain before another member takes it, ms. */
  readonly drainBoundMs: number
}

export const defaultOptions: Omit<KafkaBrokerOptions, "brokers"> = {
  ssl: false,
  sasl: null,
  prefix: "",
  sessionTimeoutMs: 10_000,
  heartbeatMs: 3_000,
  tickMs: 250,
  drainBoundMs: 30_000
}

/** How often the ends of the topics are written down for who asks the database, ms. */
const endsEveryMs = 1_000

const make = (options: KafkaBrokerOptions) =>
  Effect.gen(function* () {
    const pg = yield* PgClient.PgClient
    const client = yield* makeClient(options)
    const admin = yield* client.admin
    const control = yield* client.cluster
    const topics = yield* makeTopics
    const nameOf = (topic: string) => options.prefix + topic
    const kafkaTopics = makeKafkaTopics(admin, control, topics, nameOf)
    const append = yield* makeProduce(client, topics, nameOf)
    const clock = yield* Clock.Clock
    const scope = yield* Effect.scope

    let session = 0
    const { keeper, wakeups } = yield* makeKeeper(
      {
        ...options,
        share: (member, current, alive) => {
          session = current
          return shareOf(current, alive, member.topic.partitions)
        },
        round: Effect.void,
        grown: topics.forget,
        // Kafka would go on showing it until it has missed it for the length of a session.
        departed: (members) =>
          Effect.asVoid(
            Effect.forkIn(
              Effect.forEach(
                members.filter(({ memberId }) => memberId !== null),
                ({ group, memberId }) =>
                  Effect.catch(evict(control, nameOf(group), memberId!), (error) =>
                    Effect.logDebug("a dead member could not be evicted", error.message)
                  ),
                { discard: true }
              ),
              scope
            )
          )
      },
      makeWakeups
    )
    const handOver = yield* makeHandOver(topics, wakeups)

    // What the API and the panel show of topics they read in the database.
    let endsAt = 0
    let lastWritten = ""
    const writeEnds = Effect.gen(function* () {
      const now = clock.currentTimeMillisUnsafe()
      if (now - endsAt < endsEveryMs) return
      endsAt = now
      const rows = (yield* kafkaTopics.allEnds).flatMap(({ topic, ends }) =>
        ends.map((end) => ({ ...end, topic: topic.id }))
      )
      const written = rows.map(({ topic, partition, first, next }) => `${topic}/${partition}/${first}/${next}`).join()
      if (written === lastWritten) return
      yield* refused("write ends")(
        pg.unsafe(
          `UPDATE topic_partition p SET first_offset = e.first, next_offset = e.next
           FROM unnest($1::int2[], $2::int4[], $3::int8[], $4::int8[]) e (topic, partition, first, next)
           WHERE p.topic = e.topic AND p.partition = e.partition AND (p.next_offset <> e.next OR p.first_offset <> e.first)`,
          [
            smallints(rows.map(({ topic }) => topic)),
            ints(rows.map(({ partition }) => partition)),
            bigints(rows.map(({ first }) => first)),
            bigints(rows.map(({ next }) => next))
          ]
        )
      )
      lastWritten = written
    }).pipe(Effect.catch((error) => Effect.logDebug("the ends of the topics could not be written", error.message)))
    yield* runRelay(wakeups, append, writeEnds, options.sessionTimeoutMs)

    const join = Effect.fn("Broker.join")(function* ({ group, topic: name }: { group: string; topic: string }) {
      const topic = yield* topics.get(name)
      const cluster = yield* client.cluster
      const member = yield* keeper.join(group, topic, (one) => () => one.wake.ring())
      const groupMember = yield* makeGroupMember(client, {
        ...options,
        group: nameOf(group),
        topic: nameOf(name),
        partitions: () => member.topic.partitions,
        session: () => session,
        named: (memberId) =>
          Effect.catch(keeper.named(member, memberId), (error) =>
            Effect.logDebug("a member's name could not be written", error.message)
          ),
        holds: (partition) => member.held.has(partition)
      })
      const fetch = makeFetch(cluster, nameOf(name), name, () => Effect.runPromise(kafkaTopics.ends(name)))
      yield* Effect.andThen(
        Effect.promise(() => cluster.addTargetTopic(nameOf(name))),
        Effect.forkScoped(fetchLoop(member, fetch))
      )
      return keeper.membershipOf(member, (partition, offset) =>
        Effect.andThen(
          refused("commit")(keeper.groups.commit(member.key, partition, offset)),
          // For Kafka's own tools: the journal knows where to go on.
          Effect.ignore(groupMember.commit(partition, offset))
        )
      )
    })

    const lag = Effect.fn("Broker.lag")(function* (group: string, name: string) {
      const topic = yield* topics.get(name)
      const rows = yield* refused("read lag")(
        pg<{ partition: number; committed: bigint }>`SELECT partition, committed FROM group_claim
          WHERE group_name = ${group} AND topic = ${topic.id}::int2`
      )
      const committed = new Map(rows.map((row) => [row.partition, Number(row.committed)]))
      return (yield* kafkaTopics.ends(name)).map((end) => {
        const read = Math.max(committed.get(end.partition) ?? 0, end.first)
        return { ...end, committed: read, lag: end.next - read }
      })
    })

    /** Where every group has read, by partition; nobody reads it where there is none. */
    const readByAll = (topic: number) =>
      Effect.map(
        refused("expire")(
          pg<{ partition: number; committed: bigint }>`SELECT partition, min(committed) AS committed FROM group_claim
            WHERE topic = ${topic}::int2 GROUP BY partition`
        ),
        (rows) => new Map(rows.map((row) => [row.partition, Number(row.committed)]))
      )

    const expire = Effect.gen(function* () {
      const now = clock.currentTimeMillisUnsafe()
      let dropped = 0
      for (const topic of yield* topics.all) {
        const young = yield* kafkaTopics.since(topic.name, now - topic.retentionMs)
        const read = yield* readByAll(topic.id)
        for (const { partition, first, next } of yield* kafkaTopics.ends(topic.name)) {
          const before = Math.min(young.get(partition) ?? first, read.get(partition) ?? next, next)
          if (before <= first) continue
          yield* kafkaTopics.drop(topic.name, partition, before)
          dropped += before - first
        }
      }
      return dropped
    })

    const read = Effect.fnUntraced(function* (of: {
      readonly topic: string
      readonly partition: number
      readonly from: number
      readonly limit: number
    }) {
      yield* topics.get(of.topic)
      yield* Effect.promise(() => control.addTargetTopic(nameOf(of.topic)))
      const ends = (yield* kafkaTopics.ends(of.topic)).find(({ partition }) => partition === of.partition)
      const fetch = makeFetch(control, nameOf(of.topic), of.topic, () => Effect.runPromise(kafkaTopics.ends(of.topic)))
      const found: Array<PartitionRecord> = []
      let from = Math.max(of.from, ends?.first ?? 0)
      while (found.length < of.limit && from < (ends?.next ?? 0)) {
        const { records, next } = yield* fetch([{ partition: of.partition, from }])
        found.push(...records)
        from = next?.get(of.partition) ?? from + 1
      }
      return found.slice(0, of.limit)
    })

    return Broker.of({
      handOver,
      ensureTopics: kafkaTopics.ensure,
      append,
      join,
      read,
      ends: kafkaTopics.ends,
      lag,
      expire
    })
  })

/** Removes all topics that stand under the prefix of these settings. */
export const removeAll = (settings: KafkaSettings): Effect.Effect<void, BrokerError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const client = yield* makeClient(settings)
      const admin = yield* client.admin
      const names = yield* asked("read topics")(() => admin.listTopics())
      const topics = names.filter((name) => name.startsWith(settings.prefix))
      if (topics.length > 0) yield* asked("remove topics")(() => admin.deleteTopics({ topics }))
    })
  )

/** Gives these topics so many partitions, where they have not got them already. */
export const addPartitions = (
  settings: KafkaSettings,
  topics: ReadonlyArray<string>,
  count: number
): Effect.Effect<void, BrokerError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const client = yield* makeClient(settings)
      const admin = yield* client.admin
      const names = topics.map((topic) => settings.prefix + topic)
      const found = yield* asked("read topics")(() => admin.fetchTopicMetadata({ topics: names }))
      const topicPartitions = found.topics
        .filter(({ partitions }) => partitions.length < count)
        .map(({ name }) => ({ topic: name, count }))
      if (topicPartitions.length > 0) yield* asked("add partitions")(() => admin.createPartitions({ topicPartitions }))
      // A leader that is named may not know of it yet: each is asked, by one who has not heard of it before.
      const ask = (name: string) =>
        Effect.scoped(
          Effect.flatMap(client.admin, (other) => asked("add partitions")(() => other.fetchTopicOffsets(name)))
        ).pipe(
          Effect.filterOrFail(
            (ends) => ends.length >= count,
            () => unavailable("add partitions", `"${name}" has not got them yet`)
          ),
          Effect.tapError(() => Effect.sleep("50 millis")),
          Effect.retry({ times: 100 })
        )
      yield* Effect.forEach(names, ask, { discard: true })
    })
  )

/** Names the log that these settings lead to: the cluster and what is this installation's in it. */
export const homeOf = (settings: KafkaSettings): Effect.Effect<string, BrokerError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const client = yield* makeClient(settings)
      const admin = yield* client.admin
      const { clusterId } = yield* asked("find the cluster")(() => admin.describeCluster())
      return `Kafka ${clusterId}${settings.prefix === "" ? "" : `/${settings.prefix}`}`
    })
  )

type PartitionRecord = Effect.Success<ReturnType<Broker["Service"]["read"]>>[number]

/** The broker on Kafka, beside the Postgres of the surrounding SqlClient, whose migrations have run. */
export const layer = (options: Partial<KafkaBrokerOptions> & Pick<KafkaBrokerOptions, "brokers">) =>
  Layer.effect(Broker, make({ ...defaultOptions, ...options }))
