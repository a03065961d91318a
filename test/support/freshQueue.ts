/** A queue that no other test of the process has, for tests of the journal. */
import { Effect } from "effect"
import { Journal } from "../../src/journal/Journal.ts"
import type { Batch } from "../../src/journal/Journal.ts"
import { batchOf } from "./journalRows.ts"

let queues = 0

/** A queue that no other test has, with its partitions leased. */
export const freshQueue = (partitions = 1) =>
  Effect.gen(function* () {
    const journal = yield* Journal
    const queue = `queue-${++queues}`
    yield* journal.register([{ name: queue, topic: `topic-${queues}`, priority: "medium", off: null }])
    const leases = yield* Effect.forEach(
      Array.from({ length: partitions }, (_, p) => p),
      (partition) => journal.lease({ queue, partition, owner: "first" })
    )
    const position = (partition = 0, nextOffset = 0) => ({
      queue,
      partition,
      epoch: leases[partition]!.epoch,
      nextOffset
    })
    const write = (parts: Partial<Batch>, alongside: Effect.Effect<unknown, string> = Effect.void) =>
      journal.commit(batchOf({ positions: [position()], ...parts }), alongside)
    return { journal, queue, position, write }
  })
