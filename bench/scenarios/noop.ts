/**
 * Tasks that do nothing, queued first: from the first start in the worker until
 * the journal says that every one has succeeded. State and history are kept.
 */
import { Effect } from "effect"
import { jobsOf } from "../support/benchActor.ts"
import { monotonicMs } from "../support/clock.ts"
import { fill } from "../support/fill.ts"
import { round } from "../support/Figures.ts"
import type { Figures } from "../support/Figures.ts"
import { brokerKind, onFreshInstallation } from "../support/Installation.ts"
import { overlapsInJournal, settle, untilSucceeded } from "../support/journalState.ts"
import { cpuMsOf, memoryMbOf, serverCpuMs } from "../support/processes.ts"
import { startWorkerProgram } from "../support/workerProgram.ts"

/** `count` tasks over `users`. */
export const noop = (count: number, users = 10_000) =>
  onFreshInstallation((dataDir) =>
    Effect.gen(function* () {
      yield* fill(jobsOf(count, users, 0))
      yield* settle
      const worker = yield* startWorkerProgram({ dataDir, concurrency: 1_000 })
      const cpuBefore = cpuMsOf(worker.pid) + serverCpuMs(dataDir)
      yield* untilSucceeded(count)
      const at = monotonicMs()
      const cpu = cpuMsOf(worker.pid) + serverCpuMs(dataDir) - cpuBefore
      const report = yield* worker.report
      const seconds = (at - report.firstAt!) / 1000
      const rssMb = round(memoryMbOf(worker.pid, "VmHWM"))
      const orderViolations = yield* overlapsInJournal
      yield* worker.stop
      return {
        scenario: "noop",
        variant: `${count} tasks, ${users} users`,
        broker: brokerKind,
        tasks: count,
        seconds: round(seconds, 2),
        tasksPerSecond: Math.round(count / seconds),
        rssMb,
        cpuMsPerTask: round(cpu / count, 4),
        orderViolations
      } satisfies Figures
    })
  )
