/**
 * `kill -9` of a worker under load (50 slots, tasks of 20 ms), and another
 * started at once: when the first task runs again, when those that were cut
 * off do, and whether anything was lost, done twice or out of order.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import * as path from "node:path"
import { jobsOf } from "../support/benchActor.ts"
import { monotonicMs } from "../support/clock.ts"
import { round } from "../support/Figures.ts"
import type { Figures } from "../support/Figures.ts"
import { fill } from "../support/fill.ts"
import { brokerKind, onFreshInstallation } from "../support/Installation.ts"
import { orderViolations, readEvents } from "../support/JobEvents.ts"
import { overlapsInJournal, untilSucceeded } from "../support/journalState.ts"
import { startWorkerProgram } from "../support/workerProgram.ts"

const endsIn = (log: string) => readEvents(log).filter(({ kind }) => kind === "E").length

/** Kills the worker when `killAt` of `count` tasks are done; with `standby`, another lives already. */
export const resume = (standby: boolean, count = 5_000, killAt = 2_000) =>
  onFreshInstallation((dataDir) =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const logs = [0, 1].map((n) => path.join(dataDir, `events-${n}.log`))
      yield* fill(jobsOf(count, 500, 20))
      const settings = (n: number) => ({ dataDir, concurrency: 50, log: logs[n]! })
      const victim = yield* startWorkerProgram(settings(0))
      const other = standby ? yield* startWorkerProgram(settings(1)) : undefined
      while (endsIn(logs[0]!) < killAt / (standby ? 2 : 1)) yield* Effect.sleep("5 millis")
      const durable = new Set(
        (yield* sql<{ n: string }>`SELECT id::text AS n FROM task WHERE state >= 2`).map((row) => row.n)
      )
      const killedAt = monotonicMs()
      yield* victim.kill
      // It went on for some milliseconds until the signal reached it: what it began then was cut off too.
      const goneAt = monotonicMs()
      const successor = other ?? (yield* startWorkerProgram(settings(1)))
      yield* untilSucceeded(count)
      const allDoneMs = monotonicMs() - killedAt
      const before = readEvents(logs[0]!)
      const after = readEvents(logs[1]!)
      const starts = after.filter(({ kind, at }) => kind === "S" && at > killedAt)
      const endedBefore = new Set(before.filter(({ kind }) => kind === "E").map(({ n }) => n))
      const cutOff = before.filter(({ kind, n }) => kind === "S" && !endedBefore.has(n)).map(({ n }) => n)
      const startOf = new Map(starts.map(({ n, at }) => [n, at]))
      const again = starts.filter(({ n }) => endedBefore.has(n) || cutOff.includes(n))
      const partitionsOfVictim = new Set(before.map(({ user }) => user))
      const firstOfVictim = starts.find(({ user }) => partitionsOfVictim.has(user))
      yield* successor.stop
      const [twice] = yield* sql<{
        n: bigint
      }>`SELECT count(*) AS n FROM task GROUP BY id HAVING count(*) > 1 UNION ALL SELECT 0`
      const [ended] = yield* sql<{ n: bigint }>`SELECT count(DISTINCT id) AS n FROM task WHERE state = 2`
      const merged = [...before, ...after].sort((a, b) => a.at - b.at)
      return {
        scenario: "resume",
        variant: standby ? "kill -9 of one of two workers" : "kill -9 of the worker, started again at once",
        broker: brokerKind,
        tasks: count,
        firstMs: round((firstOfVictim?.at ?? Number.NaN) - killedAt, 0),
        interruptedMs: round(Math.max(...cutOff.map((n) => startOf.get(n) ?? Number.NaN)) - killedAt, 0),
        interrupted: cutOff.length,
        allDoneMs: round(allDoneMs, 0),
        ranAgain: again.length,
        durableAtKill: durable.size,
        lost: count - Number(ended!.n),
        doubled: Number(twice!.n),
        reordered: orderViolations(merged, [goneAt]) + (yield* overlapsInJournal)
      } satisfies Figures
    })
  )
