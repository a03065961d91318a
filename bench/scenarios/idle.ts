/** What a worker with eight actors and nothing to do costs, in per cent of one core. */
import { Effect } from "effect"
import { monotonicMs } from "../support/clock.ts"
import { round } from "../support/Figures.ts"
import type { Figures } from "../support/Figures.ts"
import { brokerKind, onFreshInstallation } from "../support/Installation.ts"
import { cpuMsOf, memoryMbOf, serverCpuMs } from "../support/processes.ts"
import { startWorkerProgram } from "../support/workerProgram.ts"

const actors = 8

/** Watches for `seconds`. */
export const idle = (seconds: number) =>
  onFreshInstallation((dataDir) =>
    Effect.gen(function* () {
      const worker = yield* startWorkerProgram({ dataDir, concurrency: 50, idle: actors })
      // What a start leaves behind (compiling, joining) is no part of being idle.
      yield* Effect.sleep("5 seconds")
      const [at, cpu, server] = [monotonicMs(), cpuMsOf(worker.pid), serverCpuMs(dataDir)]
      yield* Effect.sleep(seconds * 1_000)
      const share = (ms: number) => round((100 * ms) / (monotonicMs() - at), 2)
      const figures = {
        scenario: "idle",
        variant: `${actors} actors joined, ${seconds} s`,
        broker: brokerKind,
        cpuPercent: share(cpuMsOf(worker.pid) - cpu),
        serverCpuPercent: share(serverCpuMs(dataDir) - server),
        rssMb: round(memoryMbOf(worker.pid, "VmRSS"))
      } satisfies Figures
      yield* worker.stop
      return figures
    })
  )
