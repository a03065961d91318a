/** How much of a queue is held in memory. */
import * as Fifo from "./Fifo.ts"
import type { Lane } from "./Lane.ts"

/** Bounds of what one queue holds in memory. */
export interface Bounds {
  /** Tasks of one mailbox; the rest is in the journal. */
  readonly mailbox: number
  /** The same while the mailbox waits or is held. */
  readonly waiting: number
  /** Tasks that could run: above, the queue stops reading; below half of it, it goes on. */
  readonly ready: number
  /** Bytes of their values, likewise. */
  readonly bytes: number
}

export const defaultBounds: Bounds = { mailbox: 256, waiting: 8, ready: 8_000, bytes: 32 * 1024 * 1024 }

/** How much of the lane's bound is used, 1 = full. */
export const fill = (lane: Lane, bounds: Bounds): number => {
  let tasks = 0
  let bytes = 0
  for (const box of lane.boxes.bySlot.values()) {
    if (box.state === "waiting" || box.state === "held") continue
    tasks += Fifo.size(box.tasks)
    const head = Fifo.peek(box.tasks)
    bytes += (head?.record?.value?.length ?? 0) * Fifo.size(box.tasks)
  }
  return Math.max(tasks / bounds.ready, bytes / bounds.bytes)
}
