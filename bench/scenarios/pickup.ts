/**
 * How soon an idle worker starts what somebody else appends: producer and
 * worker are different processes, tasks come one by one 20 to 60 ms apart, and
 * every append is on disk before it is acknowledged.
 */
import { Effect } from "effect"
import * as path from "node:path"
import type { Appended } from "../programs/producer.ts"
import { startProgram } from "../support/ChildProgram.ts"
import { quantiles } from "../support/Figures.ts"
import type { Figures } from "../support/Figures.ts"
import { declareBench } from "../support/fill.ts"
import { brokerKind, onFreshInstallation } from "../support/Installation.ts"
import { readEvents } from "../support/JobEvents.ts"
import { untilSucceeded } from "../support/journalState.ts"
import { startWorkerProgram } from "../support/workerProgram.ts"

/** `count` tasks, one by one. */
export const pickup = (count = 300) =>
  onFreshInstallation((dataDir) =>
    Effect.gen(function* () {
      const log = path.join(dataDir, "events.log")
      yield* declareBench
      const worker = yield* startWorkerProgram({ dataDir, concurrency: 50, log })
      const producer = yield* startProgram("producer", [dataDir, String(count), "20", "60"])
      const appended = (yield* producer.next) as ReadonlyArray<Appended>
      yield* untilSucceeded(count)
      const startedAt = new Map(
        readEvents(log)
          .filter(({ kind }) => kind === "S")
          .map(({ n, at }) => [n, at])
      )
      yield* worker.stop
      const fromAck = quantiles(appended.map(({ n, ackedAt }) => startedAt.get(n)! - ackedAt))
      const ack = quantiles(appended.map(({ calledAt, ackedAt }) => ackedAt - calledAt))
      return {
        scenario: "pickup",
        variant: `${count} tasks, 20 to 60 ms apart`,
        broker: brokerKind,
        tasks: count,
        ...quantiles(appended.map(({ n, calledAt }) => startedAt.get(n)! - calledAt)),
        ackToStartP50Ms: fromAck.p50Ms,
        ackToStartP99Ms: fromAck.p99Ms,
        ackP50Ms: ack.p50Ms,
        ackP99Ms: ack.p99Ms
      } satisfies Figures
    })
  )
