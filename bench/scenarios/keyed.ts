/**
 * Tasks of 50 ms that must stay in order per user, 1,000 at a time: from the
 * first start until the journal says that all have succeeded. With 1,000 users
 * and ten tasks each the ideal is 0.5 s.
 */
import { Effect } from "effect"
import * as path from "node:path"
import { jobsOf } from "../support/benchActor.ts"
import { monotonicMs } from "../support/clock.ts"
import { crewNote, startCrew } from "../support/crew.ts"
import { round } from "../support/Figures.ts"
import type { Figures } from "../support/Figures.ts"
import { fill } from "../support/fill.ts"
import { brokerKind, onFreshInstallation } from "../support/Installation.ts"
import { orderViolations, readEvents } from "../support/JobEvents.ts"
import { overlapsInJournal, settle, untilSucceeded } from "../support/journalState.ts"
import { serverCpuMs } from "../support/processes.ts"

/** `count` tasks of 50 ms over `users`. */
export const keyed = (count: number, users: number) =>
  onFreshInstallation((dataDir) =>
    Effect.gen(function* () {
      const log = path.join(dataDir, "events.log")
      yield* fill(jobsOf(count, users, 50))
      yield* settle
      const serverBefore = serverCpuMs(dataDir)
      const workers = yield* startCrew({ dataDir, concurrency: 1_000, log })
      yield* untilSucceeded(count)
      const endedAt = monotonicMs()
      const cpu = workers.cpuMs() + serverCpuMs(dataDir) - serverBefore
      const seconds = (endedAt - (yield* workers.firstAt)) / 1000
      const rssMb = round(workers.peakMb())
      yield* workers.stop
      return {
        scenario: "keyed",
        variant: `${count} tasks of 50 ms, ${users} users${crewNote}`,
        broker: brokerKind,
        tasks: count,
        seconds: round(seconds, 2),
        tasksPerSecond: Math.round(count / seconds),
        rssMb,
        cpuMsPerTask: round(cpu / count, 4),
        orderViolations: orderViolations(readEvents(log)) + (yield* overlapsInJournal)
      } satisfies Figures
    })
  )
