/** How a process runs its actors. */
import { time, whole, word } from "./Setting.ts"

export const slots = whole(
  {
    key: "WORKER_SLOTS",
    about: "Most tasks that run at a time in one process, over all queues.",
    example: "500",
    fallback: "2000"
  },
  1,
  100_000
)

export const drainTime = time({
  key: "DRAIN_TIMEOUT",
  about: "How long running tasks may take to finish when the process is asked to stop.",
  fallback: "10 seconds"
})

export const logLevel = word(
  { key: "LOG_LEVEL", about: "The least important log lines to show.", example: "debug", fallback: "info" },
  ["debug", "info", "warn", "error"]
)
