/**
 * How soon what one stage hands on starts in the next, in the same idle
 * worker: from the end of the first handler to the start of the second. The
 * first task's row, its output and the second's record are on disk in between.
 */
import { Effect } from "effect"
import * as path from "node:path"
import { startProgram } from "../support/ChildProgram.ts"
import { quantiles } from "../support/Figures.ts"
import type { Figures } from "../support/Figures.ts"
import { declareBench } from "../support/fill.ts"
import { brokerKind, onFreshInstallation } from "../support/Installation.ts"
import { readEvents } from "../support/JobEvents.ts"
import { endedTasks } from "../support/journalState.ts"
import { startWorkerProgram } from "../support/workerProgram.ts"

/** `count` tasks, one by one, 20 to 60 ms apart. */
export const hop = (count: number) =>
  onFreshInstallation((dataDir) =>
    Effect.gen(function* () {
      const [log, laterLog] = [path.join(dataDir, "events.log"), path.join(dataDir, "later.log")]
      yield* declareBench
      const worker = yield* startWorkerProgram({ dataDir, concurrency: 50, log, laterLog })
      const producer = yield* startProgram("producer", [dataDir, String(count), "20", "60"])
      yield* producer.next
      const starts = () =>
        new Map(
          readEvents(laterLog)
            .filter(({ kind, n }) => kind === "S" && n >= 0)
            .map(({ n, at }) => [n, at])
        )
      while (starts().size < count) yield* Effect.sleep("20 millis")
      const startedAt = starts()
      const ends = readEvents(log).filter(({ kind, n }) => kind === "E" && n >= 0)
      yield* worker.stop
      const { otherwise } = yield* endedTasks
      return {
        scenario: "hop",
        variant: `${count} tasks handed on, 20 to 60 ms apart`,
        broker: brokerKind,
        tasks: count,
        ...quantiles(ends.map(({ n, at }) => startedAt.get(n)! - at)),
        lost: otherwise
      } satisfies Figures
    })
  )
