/**
 * Starts and ends of jobs as lines of a file, written at once so that they
 * survive the death of their process, and what can be read from them.
 */
import * as fs from "node:fs"
import type { Job, JobLog } from "./benchActor.ts"
import { monotonicMs } from "./clock.ts"

export interface JobEvent {
  /** Its start, its end, or that it was acknowledged to who posted it. */
  readonly kind: "S" | "E" | "A"
  readonly n: number
  readonly user: string
  readonly seq: number
  readonly at: number
}

/** Writes lines of jobs to the end of `file`. */
export const jobLines = (file: string) => {
  const fd = fs.openSync(file, "a")
  return (kind: JobEvent["kind"], job: Job): void =>
    void fs.writeSync(fd, `${kind} ${job.n} ${job.user} ${job.seq} ${monotonicMs().toFixed(3)}\n`)
}

/** A log that appends to `file`. */
export const fileLog = (file: string): JobLog => {
  const write = jobLines(file)
  return { started: (job) => write("S", job), ended: (job) => write("E", job) }
}

/** The lines of `file` in the order in which they happened; a last line that a death cut off is left out. */
export const readEvents = (file: string): ReadonlyArray<JobEvent> =>
  fs
    .readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const [kind, n, user, seq, at] = line.split(" ")
      return { kind: kind as JobEvent["kind"], n: Number(n), user: user!, seq: Number(seq), at: Number(at) }
    })

/**
 * Starts that broke the order of their user: a job that started although a
 * later one had, or while another of the user was running. `restarts` are the
 * moments at which everything that ran was killed.
 */
export const orderViolations = (events: ReadonlyArray<JobEvent>, restarts: ReadonlyArray<number> = []): number => {
  const next = new Map<string, number>()
  const running = new Map<string, number>()
  const kills = [...restarts]
  let violations = 0
  for (const { kind, user, seq, n, at } of events) {
    while (kills.length > 0 && at > kills[0]!) {
      kills.shift()
      running.clear()
      // What was not flushed runs again, in order: the last start of a user may repeat, and what led to it.
      next.clear()
    }
    if (kind === "E") {
      if (running.get(user) === n) running.delete(user)
      continue
    }
    if (running.has(user) || seq < (next.get(user) ?? 0)) violations++
    running.set(user, n)
    next.set(user, seq + 1)
  }
  return violations
}
