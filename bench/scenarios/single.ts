/**
 * One partition that holds many users: tasks of 0 to 5 ms, as in the benchmark
 * of Confluent's Parallel Consumer. From the first start until the journal has them all.
 */
import { Effect } from "effect"
import { jobsOf } from "../support/benchActor.ts"
import { monotonicMs } from "../support/clock.ts"
import { fill } from "../support/fill.ts"
import { round } from "../support/Figures.ts"
import type { Figures } from "../support/Figures.ts"
import { brokerKind, onFreshInstallation } from "../support/Installation.ts"
import { overlapsInJournal, settle, untilSucceeded } from "../support/journalState.ts"
import { startWorkerProgram } from "../support/workerProgram.ts"

const longestMs = 5

/** 0 to `longestMs`, scattered by the upper bits of a multiplicative hash: every user has about the same sum. */
const durationOf = (n: number): number => Math.floor(((Math.imul(n, 0x9e3779b1) >>> 0) / 2 ** 32) * (longestMs + 1))

/** `count` tasks over `users`, all in partition 0. */
export const single = (count: number, users: number) =>
  onFreshInstallation((dataDir) =>
    Effect.gen(function* () {
      const jobs = jobsOf(count, users, 0).map((job) => ({ ...job, ms: durationOf(job.n) }))
      yield* fill(jobs, 0)
      yield* settle
      const worker = yield* startWorkerProgram({ dataDir, concurrency: 1_000 })
      yield* untilSucceeded(count)
      const endedAt = monotonicMs()
      const { firstAt } = yield* worker.report
      yield* worker.stop
      const seconds = (endedAt - firstAt!) / 1000
      const ofOne = Math.max(
        ...Map.groupBy(jobs, ({ user }) => user)
          .values()
          .map((list) => list.reduce((sum, { ms }) => sum + ms, 0))
      )
      return {
        scenario: "single",
        variant: `${count} tasks of 0 to ${longestMs} ms in one partition, ${users} users`,
        broker: brokerKind,
        tasks: count,
        seconds: round(seconds, 2),
        idealSeconds: round(ofOne / 1000, 2),
        tasksPerSecond: Math.round(count / seconds),
        orderViolations: yield* overlapsInJournal
      } satisfies Figures
    })
  )
