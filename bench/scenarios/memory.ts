/**
 * A million queued tasks and what the worker's process needs in memory for
 * them: of many users behind a slow handler, of one paused user (whose tasks
 * move to the journal), and of a paused queue.
 */
import { Duration, Effect } from "effect"
import { Journal } from "../../src/journal/Journal.ts"
import { jobsOf } from "../support/benchActor.ts"
import { round } from "../support/Figures.ts"
import type { Figures } from "../support/Figures.ts"
import { append, declareBench } from "../support/fill.ts"
import { brokerKind, onFreshInstallation } from "../support/Installation.ts"
import { journalledOffsets } from "../support/journalState.ts"
import { monotonicMs } from "../support/clock.ts"
import { memoryMbOf } from "../support/processes.ts"
import { startWorkerProgram } from "../support/workerProgram.ts"

/** Who has the tasks, and why they wait. */
export type Waiting = "slow handler" | "paused user" | "paused queue"

const chunk = 50_000
const handlerMs = 1_000

const fillMany = (count: number, users: number) =>
  Effect.gen(function* () {
    const few = jobsOf(chunk, users, handlerMs)
    for (let at = 0; at < count; at += chunk) {
      yield* append(few.slice(0, Math.min(chunk, count - at)).map((job) => ({ ...job, n: job.n + at })))
    }
  })

/** `count` queued tasks; the worker runs for at least `seconds`, or until a paused user's tasks are all in the journal. */
export const memory = (waiting: Waiting, count = 1_000_000, seconds = 15) =>
  onFreshInstallation((dataDir) =>
    Effect.gen(function* () {
      const journal = yield* Journal
      yield* declareBench
      const isOne = waiting === "paused user"
      yield* fillMany(count, isOne ? 1 : 10_000)
      if (isOne) yield* journal.pauseKey(new TextEncoder().encode("user-0"), true, "bench")
      if (waiting === "paused queue") yield* journal.pauseQueue("bench", true, "bench")
      const begunAt = monotonicMs()
      const worker = yield* startWorkerProgram({ dataDir, concurrency: 100 })
      yield* Effect.sleep(Duration.seconds(seconds))
      if (isOne) while ((yield* journalledOffsets) < count) yield* Effect.sleep("200 millis")
      const took = (monotonicMs() - begunAt) / 1000
      const rssMb = round(memoryMbOf(worker.pid, "VmHWM"))
      const rssAtEndMb = round(memoryMbOf(worker.pid, "VmRSS"))
      const { started, heapMb, externalMb } = yield* worker.report
      yield* worker.kill
      return {
        scenario: "memory",
        variant: `${count} queued, ${waiting}`,
        broker: brokerKind,
        tasks: count,
        seconds: round(took, 1),
        rssMb,
        rssAtEndMb,
        heapMb,
        externalMb,
        started
      } satisfies Figures
    })
  )
