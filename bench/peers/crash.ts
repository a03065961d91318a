/**
 * What survives `kill -9`, for Postroom and for what users would pick instead:
 * the same load, the same kills, the same check. `node bench/peers/crash.ts
 * --help` says how. The peers are not installed by Postroom: PEERS_HOME names
 * a folder with npm/node_modules (bullmq, ioredis) and venv (celery, redis).
 */
import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { monotonicMs } from "../support/clock.ts"
import { readEvents } from "../support/JobEvents.ts"
import { check } from "./crashCheck.ts"
import type { Verdict } from "./crashCheck.ts"
import { startRedis } from "./redis.ts"

const help = `node bench/peers/crash.ts [--subjects a,b] [--kills N] [--seed S] [--json]

Kills the worker of each subject N times while a producer goes on, starts it again at once, waits until
nothing is left to do (at most --patience seconds after the last kill) and counts what was lost, done twice or out of order.

  --subjects  of: ${"postroom, bullmq, bullmq-tuned, celery, celery-tuned"} (all)
  --kills     how many (20), 2 to 4 s apart
  --rate      tasks a second (300), of --ms each (20), over --users (100), 50 at a time
  --patience  seconds (120)

  PEERS_HOME=/tmp/peers node bench/peers/crash.ts --subjects postroom,bullmq --kills 5`

const { values: options } = parseArgs({
  options: {
    subjects: { type: "string", default: "postroom,bullmq,bullmq-tuned,celery,celery-tuned" },
    kills: { type: "string", default: "20" },
    rate: { type: "string", default: "300" },
    ms: { type: "string", default: "20" },
    users: { type: "string", default: "100" },
    patience: { type: "string", default: "120" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
})

const peersHome = process.env["PEERS_HOME"] ?? path.join(os.tmpdir(), "peers-cache")
const file = (name: string) => fileURLToPath(new URL(`subjects/${name}`, import.meta.url))
const node = (name: string): ReadonlyArray<string> => [process.execPath, file(name)]
const python = [path.join(peersHome, "venv/bin/python"), file("celery_subject.py")]

interface Subject {
  readonly command: ReadonlyArray<string>
  readonly store: "redis" | "own"
  readonly settings: Readonly<Record<string, string>>
}

/** Tuned: as far as its documentation lets one go for a quick return of what a dead worker held. */
const subjects: Readonly<Record<string, Subject>> = {
  postroom: { command: node("postroom.ts"), store: "own", settings: {} },
  bullmq: { command: node("bullmq.ts"), store: "redis", settings: {} },
  "bullmq-tuned": { command: node("bullmq.ts"), store: "redis", settings: { STALLED_MS: "5000" } },
  celery: { command: python, store: "redis", settings: {} },
  "celery-tuned": { command: python, store: "redis", settings: { VISIBILITY_S: "10" } }
}

/** Numbers from a seed: the same kills for every subject (mulberry32). */
const drawing = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const ready = (child: ChildProcess, what: string) =>
  new Promise<void>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`${what} ended with ${code} before it was ready`)))
    createInterface({ input: child.stdout! }).on("line", (line) => {
      if (line === "READY") resolve()
    })
  })

const gone = (child: ChildProcess) =>
  new Promise<void>((resolve) =>
    child.exitCode === null && child.signalCode === null ? child.once("exit", () => resolve()) : resolve()
  )

const eventsOf = (file: string) => (fs.existsSync(file) ? readEvents(file) : [])

const endedIn = (file: string) => new Set(eventsOf(file).flatMap(({ kind, n }) => (kind === "E" ? [n] : []))).size

const run = async (name: string, subject: Subject, tell: (text: string) => void): Promise<Verdict> => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "postroom-crash-"))
  const draw = drawing(Number(options.seed))
  const kills = Number(options.kills)
  const pauses = Array.from({ length: kills }, () => 2_000 + 2_000 * draw())
  const redis = subject.store === "redis" ? await startRedis(folder) : null
  const env = {
    ...process.env,
    ...subject.settings,
    PEERS_HOME: peersHome,
    FOLDER: folder,
    RATE: options.rate,
    TASK_MS: options.ms,
    USERS: options.users,
    CONCURRENCY: "50",
    PYTHONWARNINGS: "ignore",
    ...(redis === null ? {} : { REDIS_URL: redis.url })
  }
  const running = new Set<ChildProcess>()
  const start = async (verb: string) => {
    const [command, ...args] = [...subject.command, verb]
    const child = spawn(command!, args, { detached: true, env, stdio: ["pipe", "pipe", "inherit"] })
    running.add(child)
    child.once("exit", () => running.delete(child))
    await ready(child, `${name} ${verb}`)
    return child
  }
  const [events, acknowledged] = [path.join(folder, "events.log"), path.join(folder, "produced.log")]
  try {
    const store = await start("store")
    let worker = await start("work")
    const producer = await start("produce")
    const killedAt: Array<number> = []
    for (const [i, wait] of pauses.entries()) {
      await pause(wait)
      killedAt.push(monotonicMs())
      process.kill(-worker.pid!, "SIGKILL")
      await gone(worker)
      worker = await start("work")
      tell(`${name}: kill ${i + 1} of ${kills}, ${endedIn(events)} tasks done`)
    }
    await pause(2_000)
    producer.stdin!.end()
    await gone(producer)
    const wanted = eventsOf(acknowledged).length
    const until = monotonicMs() + Number(options.patience) * 1_000
    while (endedIn(events) < wanted && monotonicMs() < until) {
      tell(`${name}: ${endedIn(events)} of ${wanted} done`)
      await pause(500)
    }
    store.stdin!.end()
    return check(eventsOf(acknowledged), eventsOf(events), killedAt)
  } finally {
    for (const child of running) {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL")
      await gone(child)
    }
    await redis?.stop()
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

if (options.help) {
  console.log(help)
  process.exit(0)
}
const tell = (text: string) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}
for (const name of options.subjects.split(",")) {
  const subject = subjects[name]
  if (subject === undefined) {
    console.error(`no such subject: ${name}; known are ${Object.keys(subjects).join(", ")}`)
    process.exit(1)
  }
  const verdict = await run(name, subject, tell)
  tell("")
  console.log(
    options.json
      ? JSON.stringify({ subject: name, kills: Number(options.kills), ...verdict })
      : `${name}: ${JSON.stringify(verdict)}`
  )
}
