/**
 * What a user with 2,000 tasks does to 100 others with five each, in 50 slots:
 * the others' time from being queued to being done, beside the noisy user and
 * without it.
 */
import { Effect } from "effect"
import * as path from "node:path"
import { append, declareBench } from "../support/fill.ts"
import type { Job } from "../support/benchActor.ts"
import { monotonicMs } from "../support/clock.ts"
import { quantile, quantiles, round } from "../support/Figures.ts"
import type { Figures } from "../support/Figures.ts"
import { brokerKind, onFreshInstallation } from "../support/Installation.ts"
import { orderViolations, readEvents } from "../support/JobEvents.ts"
import { untilSucceeded } from "../support/journalState.ts"
import { startWorkerProgram } from "../support/workerProgram.ts"

const ms = 50
const others: ReadonlyArray<Job> = Array.from({ length: 500 }, (_, n) => ({
  n: 100_000 + n,
  user: `quiet-${n % 100}`,
  seq: Math.floor(n / 100),
  ms
}))

/** How long the others' tasks took, ms, and what went wrong in the order. */
const othersTimes = (noisyTasks: number) =>
  onFreshInstallation((dataDir) =>
    Effect.gen(function* () {
      const log = path.join(dataDir, "events.log")
      yield* declareBench
      const worker = yield* startWorkerProgram({ dataDir, concurrency: 50, log })
      yield* append(Array.from({ length: noisyTasks }, (_, n) => ({ n, user: "noisy", seq: n, ms })))
      const queuedAt = monotonicMs()
      yield* append(others)
      const isOthers = (user: string) => user !== "noisy"
      const done = () => readEvents(log).filter(({ kind, user }) => kind === "E" && isOthers(user))
      if (noisyTasks === 0) yield* untilSucceeded(others.length)
      else while (done().length < others.length) yield* Effect.sleep("50 millis")
      const events = readEvents(log)
      yield* worker.kill
      return { times: done().map(({ at }) => at - queuedAt), violations: orderViolations(events) }
    })
  )

/** The others beside a user with `noisyTasks`. */
export const noisy = (noisyTasks = 2_000) =>
  Effect.gen(function* () {
    const quiet = yield* othersTimes(0)
    const beside = yield* othersTimes(noisyTasks)
    const p95Of = (times: ReadonlyArray<number>) =>
      quantile(
        [...times].sort((a, b) => a - b),
        0.95
      )
    return {
      scenario: "noisy",
      variant: `${noisyTasks} tasks of one user, 5 of 100 others, 50 slots`,
      broker: brokerKind,
      tasks: others.length,
      ...quantiles(beside.times),
      quietP95Ms: round(p95Of(quiet.times), 1),
      ratioP95: round(p95Of(beside.times) / p95Of(quiet.times), 2),
      orderViolations: quiet.violations + beside.violations
    } satisfies Figures
  })
