/** Plays the blocks of seeds it is given, in a thread of its own: a run depends on its seed alone, wherever it is played. */
import { parentPort } from "node:worker_threads"
import { planOf } from "./Plan.ts"
import { judge, traceOf } from "./shrink.ts"
import { add, emptyTally, tallyOf } from "./Tally.ts"
import type { Block } from "./threads.ts"

parentPort!.on("message", ({ from, below, twiceBelow }: Block) => {
  const tally = emptyTally()
  for (let seed = from; seed < below; seed++) {
    const found = judge(planOf(seed))
    add(tally, tallyOf(found))
    if (seed < twiceBelow && traceOf(found) !== traceOf(judge(planOf(seed)))) tally.unequal.push(seed)
  }
  parentPort!.postMessage(tally)
})
