/**
 * A worker as a process of its own: `node worker.ts '<WorkerSettings as JSON>'`.
 * It says `{"ready":…}` when it has joined, answers each line on its input with
 * what it has counted, and ends in order on SIGTERM.
 */
import { Effect, Fiber, Layer } from "effect"
import * as fs from "node:fs"
import { createInterface } from "node:readline"
import { layerLogs } from "../../src/cli/run.ts"
import { startWorker } from "../../src/runtime/Worker.ts"
import { benchActor, idleActors, relayActors } from "../support/benchActor.ts"
import type { JobLog } from "../support/benchActor.ts"
import { monotonicMs } from "../support/clock.ts"
import { storageOf } from "../support/Installation.ts"
import { fileLog } from "../support/JobEvents.ts"
import { endWithParent } from "../support/endWithParent.ts"

/** How a worker of a measurement runs. */
export interface WorkerSettings {
  readonly dataDir: string
  readonly concurrency: number
  /** File for starts and ends; without it they are only counted. */
  readonly log?: string
  /** File for the starts of a second stage, to which each job is handed on. */
  readonly laterLog?: string
  /** Instead of all else, so many actors that have nothing to do. */
  readonly idle?: number
}

/** What it answers. */
export interface WorkerReport {
  readonly started: number
  readonly ended: number
  /** Monotonic ms of the first start; null before it. */
  readonly firstAt: number | null
  /** What V8 holds for objects, and what stands outside of its heap, MB. */
  readonly heapMb: number
  readonly externalMb: number
}

const say = (answer: unknown): void => void fs.writeSync(1, `${JSON.stringify(answer)}\n`)

endWithParent()
const settings = JSON.parse(process.argv[2] ?? "{}") as WorkerSettings
let started = 0
let ended = 0
let firstAt: number | null = null
const file = settings.log === undefined ? undefined : fileLog(settings.log)
const log: JobLog = {
  started: (job) => {
    if (started++ === 0) firstAt = monotonicMs()
    file?.started(job)
  },
  ended: (job) => {
    ended++
    file?.ended(job)
  }
}

const actors =
  settings.idle !== undefined
    ? idleActors(settings.idle)
    : settings.laterLog !== undefined
      ? relayActors(log, fileLog(settings.laterLog))
      : [benchActor(settings.concurrency, log)]

const program = Effect.gen(function* () {
  yield* startWorker({ actors })
  say({ ready: monotonicMs() })
  return yield* Effect.never
}).pipe(Effect.scoped, Effect.provide(Layer.mergeAll(storageOf(settings.dataDir), layerLogs("warn"))))

const fiber = Effect.runFork(program)
fiber.addObserver(() => process.exit(0))
process.on("SIGTERM", () => Effect.runFork(Fiber.interrupt(fiber)))
const report = (): WorkerReport => {
  const { heapUsed, external } = process.memoryUsage()
  return { started, ended, firstAt, heapMb: Math.round(heapUsed / 1e6), externalMb: Math.round(external / 1e6) }
}
createInterface({ input: process.stdin }).on("line", () => say(report()))
