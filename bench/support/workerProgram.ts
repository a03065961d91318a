/** The worker of a scenario, in its own process. */
import { Effect } from "effect"
import type { WorkerReport, WorkerSettings } from "../programs/worker.ts"
import { startProgram } from "./ChildProgram.ts"

/** With BENCH_PROFILE=<folder>, workers leave a CPU profile there when they end in order. */
const profiled = (): ReadonlyArray<string> => {
  const folder = process.env["BENCH_PROFILE"]
  return folder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${folder}`]
}

/** Starts a worker and waits until it has joined. */
export const startWorkerProgram = (settings: WorkerSettings) =>
  Effect.gen(function* () {
    const program = yield* startProgram("worker", [JSON.stringify(settings)], profiled())
    const { ready } = (yield* program.next) as { readonly ready: number }
    return { ...program, ready, report: program.ask("report") as Effect.Effect<WorkerReport> }
  })
