/** What the subjects written for Node have in common: the body of a job, and a producer that goes on until its input ends. */
import * as fs from "node:fs"
import * as path from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import type { Job } from "../../support/benchActor.ts"
import { monotonicMs } from "../../support/clock.ts"
import { fileLog, jobLines } from "../../support/JobEvents.ts"

const number = (name: string) => Number(process.env[name])
const file = (name: string) => path.join(process.env["FOLDER"]!, name)

export const concurrency = number("CONCURRENCY")

/** The log that every worker writes: a line at the start of a job and one at its end, at once, so that they outlive a kill. */
export const workLog = () => fileLog(file("events.log"))

/** The body of a job. */
export const bodyOf = () => {
  const log = workLog()
  return async (job: Job) => {
    log.started(job)
    await pause(job.ms)
    log.ended(job)
  }
}

export const say = (text: string): void => void fs.writeSync(1, `${text}\n`)

/** Sends jobs at the planned rate, those of a user one after another, and writes down each that was acknowledged. */
export const produce = async (send: (job: Job) => Promise<unknown>) => {
  const write = jobLines(file("produced.log"))
  const users = number("USERS")
  const turns = new Map<string, Promise<void>>()
  const ended = new AbortController()
  process.stdin.on("end", () => ended.abort()).resume()
  say("READY")
  const begunAt = monotonicMs()
  for (let n = 0; !ended.signal.aborted; n++) {
    const job = { n, user: `user-${n % users}`, seq: Math.floor(n / users), ms: number("TASK_MS") }
    const turn = (turns.get(job.user) ?? Promise.resolve()).then(async () => {
      await send(job)
      write("A", job)
    })
    turns.set(job.user, turn)
    const early = begunAt + ((n + 1) * 1_000) / number("RATE") - monotonicMs()
    if (early > 0) await pause(early)
  }
  await Promise.all(turns.values())
}
