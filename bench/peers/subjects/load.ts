/** What the subjects written for Node have in common: the body of a task, and a producer that goes on until its input ends. */
import * as fs from "node:fs"
import * as path from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { monotonicMs } from "../../support/clock.ts"

/** A task: its number, whose it is, and its number among those of its user. */
export interface Task {
  readonly n: number
  readonly user: string
  readonly seq: number
}

const number = (name: string) => Number(process.env[name])

export const concurrency = number("CONCURRENCY")

const log = (name: string) => {
  const fd = fs.openSync(path.join(process.env["FOLDER"]!, name), "a")
  return (kind: string, { n, user, seq }: Task) =>
    fs.writeSync(fd, `${kind} ${n} ${user} ${seq} ${monotonicMs().toFixed(3)}\n`)
}

/** The body of a task: a line at its start and one at its end, at once on disk's side of a kill. */
export const bodyOf = () => {
  const write = log("events.log")
  return async (task: Task) => {
    write("S", task)
    await pause(number("TASK_MS"))
    write("E", task)
  }
}

export const say = (text: string): void => void fs.writeSync(1, `${text}\n`)

/** Sends tasks at the planned rate, those of a user one after another, and writes down each that was acknowledged. */
export const produce = async (send: (task: Task) => Promise<unknown>) => {
  const write = log("produced.log")
  const users = number("USERS")
  const turns = new Map<string, Promise<void>>()
  const ended = new AbortController()
  process.stdin.on("end", () => ended.abort()).resume()
  say("READY")
  const begunAt = monotonicMs()
  for (let n = 0; !ended.signal.aborted; n++) {
    const task = { n, user: `user-${n % users}`, seq: Math.floor(n / users) }
    const turn = (turns.get(task.user) ?? Promise.resolve()).then(async () => {
      await send(task)
      write("A", task)
    })
    turns.set(task.user, turn)
    const early = begunAt + ((n + 1) * 1_000) / number("RATE") - monotonicMs()
    if (early > 0) await pause(early)
  }
  await Promise.all(turns.values())
}
