/**
 * What the process forgets of tasks once the journal has them. A task may have
 * gone on since its row was taken for writing: it is forgotten by what was
 * written, not by what it is. One that left the memory before its end was in
 * the journal would be taken up again by whoever asked for its row.
 */
import { isFinal } from "../domain/TaskState.ts"
import * as Mailboxes from "./Mailboxes.ts"
import type { Lane } from "./Lane.ts"
import type { Taken } from "./Taken.ts"
import { fulfilled } from "./Wishes.ts"
import type { Wishes } from "./Wishes.ts"

/** A task that waits for longer than this gives up the bytes of its record meanwhile, ms. */
const forgetBytesAfterMs = 10_000

/** `tasks` are in the journal, each with its row as it was written; `now` in ms. */
export const whenWritten = (
  tasks: Taken["tasks"],
  wishes: Wishes,
  now: number,
  changed: (lane: Lane) => void
): void => {
  for (const [task, row] of tasks) {
    const { lane, live, rowReaders } = task.ownership
    const isOver = isFinal(row.state)
    if (isOver || (task.spilled && !isFinal(task.state))) {
      if (isOver) for (const ended of rowReaders) ended.add(task.id)
      // Another may stand there by now: what was spilled is loaded again, what failed is retried.
      if (live.get(task.id) === task) live.delete(task.id)
      if (isOver) fulfilled(wishes, task)
      if (isOver && task.state === "cancelled") {
        Mailboxes.unbar(lane.boxes, task.box, now)
        changed(lane)
      }
    } else if (task.state === "queued" && task.notBefore !== null && task.notBefore > now + forgetBytesAfterMs) {
      task.record = null
    }
  }
}
