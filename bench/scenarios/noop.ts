/**
 * Tasks that do nothing, queued first: from the first start in the worker until
 * the journal says that every one has succeeded. State and history are kept.
 */
import { Effect } from "effect"
import { jobsOf } from "../support/benchActor.ts"
import { monotonicMs } from "../support/clock.ts"
import { crewNote, startCrew } from "../support/crew.ts"
import { fill } from "../support/fill.ts"
import { round } from "../support/Figures.ts"
import type { Figures } from "../support/Figures.ts"
import { brokerKind, onFreshInstallation } from "../support/Installation.ts"
import { overlapsInJournal, settle, untilSucceeded, walEnd } from "../support/journalState.ts"
import { serverCpuMs } from "../support/processes.ts"

/** `count` tasks over `users`. */
export const noop = (count: number, users = 10_000) =>
  onFreshInstallation((dataDir) =>
    Effect.gen(function* () {
      yield* fill(jobsOf(count, users, 0))
      yield* settle
      const walBefore = yield* walEnd
      const workers = yield* startCrew({ dataDir, concurrency: 1_000 })
      const cpuBefore = workers.cpuMs() + serverCpuMs(dataDir)
      yield* untilSucceeded(count)
      const at = monotonicMs()
      const cpu = workers.cpuMs() + serverCpuMs(dataDir) - cpuBefore
      const seconds = (at - (yield* workers.firstAt)) / 1000
      const rssMb = round(workers.peakMb())
      const walBytes = (yield* walEnd) - walBefore
      const orderViolations = yield* overlapsInJournal
      yield* workers.stop
      return {
        scenario: "noop",
        variant: `${count} tasks, ${users} users${crewNote}`,
        broker: brokerKind,
        tasks: count,
        seconds: round(seconds, 2),
        tasksPerSecond: Math.round(count / seconds),
        rssMb,
        cpuMsPerTask: round(cpu / count, 4),
        walBytesPerTask: Math.round(walBytes / count),
        orderViolations
      } satisfies Figures
    })
  )
