/** The workers of a scenario that may have several, as one: `--workers N`. */
import { Effect } from "effect"
import type { WorkerSettings } from "../programs/worker.ts"
import { cpuMsOf, memoryMbOf } from "./processes.ts"
import { startWorkerProgram } from "./workerProgram.ts"

/** How many `--workers` asks for. */
export const crewSize = Number(process.env["BENCH_WORKERS"] ?? 1)

/** What stands in a case's name where it has more than one worker, or not the usual partitions. */
export const crewNote = [
  ...(crewSize === 1 ? [] : [`, ${crewSize} workers`]),
  ...((process.env["BENCH_PARTITIONS"] ?? "12") === "12" ? [] : [`, ${process.env["BENCH_PARTITIONS"]} partitions`])
].join("")

/** Starts them side by side and waits until all have joined; slots are shared out evenly. */
export const startCrew = (settings: WorkerSettings) =>
  Effect.gen(function* () {
    const share = { ...settings, concurrency: Math.ceil(settings.concurrency / crewSize) }
    const workers = yield* Effect.forEach(
      Array.from({ length: crewSize }, () => share),
      startWorkerProgram,
      { concurrency: "unbounded" }
    )
    return {
      cpuMs: () => workers.reduce((sum, { pid }) => sum + cpuMsOf(pid), 0),
      peakMb: () => Math.max(...workers.map(({ pid }) => memoryMbOf(pid, "VmHWM"))),
      /** Monotonic ms of the first start of any. */
      firstAt: Effect.map(
        Effect.forEach(workers, ({ report }) => report),
        (reports) => Math.min(...reports.flatMap(({ firstAt }) => (firstAt === null ? [] : [firstAt])))
      ),
      stop: Effect.forEach(workers, ({ stop }) => stop, { concurrency: "unbounded", discard: true })
    }
  })
