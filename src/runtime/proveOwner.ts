/**
 * A row that this owner did not write, of a record that it has yet to take in,
 * is of an owner that died or of one that has taken over. In the second case
 * this one must start nothing behind that record: the write that would tell it
 * so is made first.
 */
import { Effect } from "effect"
import type { TopicRecord } from "../broker/Record.ts"
import type { Flush } from "./Flush.ts"
import type { Lane } from "./Lane.ts"
import * as Watermark from "./Watermark.ts"

/** Waits for a write of the owners of `batch` about whom there is a doubt; `placeOf` tells where the row of a record stands. */
export const proveOwner = (
  flush: Flush,
  lane: Lane,
  batch: ReadonlyArray<TopicRecord>,
  placeOf: (index: number) => number | undefined
): Effect.Effect<void> =>
  Effect.suspend(() => {
    let isDoubted = false
    for (const [i, { partition, offset }] of batch.entries()) {
      const ownership = lane.owned.get(partition)
      if (ownership === undefined || placeOf(i) !== offset || Watermark.isJournalled(ownership.mark, offset)) continue
      flush.position(ownership)
      isDoubted = true
    }
    return isDoubted ? flush.barrier : Effect.void
  })
