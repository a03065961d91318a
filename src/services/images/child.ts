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
    answer({ kind: "wants", memory })
  })

const begin = (job: Job): void => {
  work(job, admit).then(
    (result) => answer({ kind: "done", result, rss: process.memoryUsage.rss() }),
    (cause: unknown) => answer({ kind: "failed", reason: reasonOf(cause), rss: process.memoryUsage.rss() })
  )
}

process.on("message", (order: Order) => (order.kind === "job" ? begin(order.job) : letGo()))
