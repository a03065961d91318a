/**
 * Entry of a child process that decodes pictures: one job at a time, told and answered over IPC. It ends
 * with Postroom, whatever way that goes.
 */
import * as fs from "node:fs"
import { prepareDecoder, work } from "./decode.ts"
import { reasonOf } from "./DecodeFailure.ts"
import type { Answer, Job, Order } from "./Job.ts"

const answer = (message: Answer) => process.send?.(message)

// Not exit(): that would wait for a decoder that is stuck in its thread.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"))
// Signals to a whole group or service reach children too; the parent decides when they end, after its drain.
process.on("SIGINT", () => undefined)
process.on("SIGTERM", () => undefined)

prepareDecoder()

try {
  // When memory runs out, a decoder goes before anything that holds state.
  fs.writeFileSync("/proc/self/oom_score_adj", "700")
} catch {
  // Not Linux, or not allowed: the kernel chooses by size, which mostly means the same.
}

let letGo: () => void = () => undefined

const admit = (memory: number): Promise<void> =>
  new Promise((resolve) => {
    letGo = resolve
    decoded += memory
    answer({ kind: "wants", memory })
  })

/**
 * Pixels lie outside of the heap, where the collector does not see how many there are: left to itself it lets a child
 * grow to 180 MB with photographs of 12 megapixels. So it is asked whenever pictures of so many bytes, as estimated,
 * were decoded since it last was, which keeps the child below 140 MB and costs 1 or 2 of 80 ms.
 */
const collectAfter = 180 * 2 ** 20
let decoded = 0

/** Memory after a job, in bytes. */
const settledMemory = (): number => {
  if (decoded >= collectAfter) {
    globalThis.gc?.()
    decoded = 0
  }
  return process.memoryUsage.rss()
}

const begin = (job: Job): void => {
  work(job, admit).then(
    (result) => answer({ kind: "done", result, rss: settledMemory() }),
    (cause: unknown) => answer({ kind: "failed", reason: reasonOf(cause), rss: settledMemory() })
  )
}

process.on("message", (order: Order) => (order.kind === "job" ? begin(order.job) : letGo()))
