/**
 * A member of a consumer group as a plain reader: it seeks what it is given to
 * where it was left, keeps what it reads, and gives back what is asked for.
 */
import { Effect, Queue } from "effect"
import type { Broker, Membership } from "../../src/broker/Broker.ts"
import type { TopicRecord } from "../../src/broker/Record.ts"

export interface GroupReader {
  readonly membership: Membership
  /** What it holds now. */
  readonly held: Set<number>
  readonly records: Array<TopicRecord>
  /** Everything that happened to it, as words. */
  readonly log: Array<string>
}

export interface ReaderOptions {
  readonly group: string
  readonly topic: string
  /** Where a partition is begun; none is begun without. */
  readonly from?: (partition: number) => number
  /** Runs before a revoked partition is released. */
  readonly drain?: (partition: number) => Effect.Effect<void>
}

/** Joins and reads until the scope closes. */
export const readGroup = Effect.fnUntraced(function* (broker: Broker["Service"], options: ReaderOptions) {
  const membership = yield* Effect.orDie(broker.join(options))
  const reader: GroupReader = { membership, held: new Set(), records: [], log: [] }
  const follow = Effect.gen(function* () {
    const event = yield* Queue.take(membership.events)
    if (event._tag === "Records") {
      reader.records.push(...event.records)
      return
    }
    reader.log.push(`${event._tag} ${event.partitions.join(",")}`)
    for (const partition of event.partitions) {
      if (event._tag === "Assigned") {
        reader.held.add(partition)
        if (options.from !== undefined) yield* membership.seek(partition, options.from(partition))
        continue
      }
      if (event._tag === "Revoked") yield* options.drain?.(partition) ?? Effect.void
      reader.held.delete(partition)
      if (event._tag === "Revoked") yield* Effect.orDie(membership.release(partition))
    }
  })
  yield* Effect.forkScoped(
    Effect.tapCause(Effect.forever(follow), (cause) => Effect.logDebug("the reader ended", cause))
  )
  return reader
})
