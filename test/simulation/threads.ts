/** Plays blocks of seeds on several threads, so that all cores are used: each thread takes the next block when it is done with one. */
import { once } from "node:events"
import { Worker } from "node:worker_threads"
import type { Tally } from "./Tally.ts"

export interface Block {
  readonly from: number
  /** Seeds below it. */
  readonly below: number
  /** Seeds below it are played twice, and their histories compared. */
  readonly twiceBelow: number
}

/** Gives out `blocks` to so many threads, and tells `onTally` of each that was played; ends when all are. */
export const playInThreads = async (
  blocks: Iterable<Block>,
  threads: number,
  onTally: (tally: Tally, block: Block) => void
): Promise<void> => {
  const left = blocks[Symbol.iterator]()
  const playAll = async () => {
    const thread = new Worker(new URL("./thread.ts", import.meta.url))
    try {
      for (let next = left.next(); next.done !== true; next = left.next()) {
        thread.postMessage(next.value)
        const [tally] = (await once(thread, "message")) as [Tally]
        onTally(tally, next.value)
      }
    } finally {
      await thread.terminate()
    }
  }
  await Promise.all(Array.from({ length: threads }, playAll))
}
