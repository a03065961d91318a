/**
 * A drill: an installation under load, killed at random moments and started
 * again at once, and in the end judged by what it left behind.
 *
 * | mode     | what is killed                                                        |
 * |----------|-----------------------------------------------------------------------|
 * | worker   | the worker; the client and the database go on                          |
 * | group    | client and worker, one of which started the database                   |
 * | database | the same, and every process of the database                            |
 */
import { Effect, Redacted } from "effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { PgClient } from "@effect/sql-pg"
import { startScript } from "../../bench/support/ChildProgram.ts"
import { serverPids } from "../../bench/support/processes.ts"
import { startEmbeddedPostgres } from "../../src/database/embedded/EmbeddedPostgres.ts"
import { randomOf } from "./chance.ts"
import { judge } from "./check.ts"
import type { Verdict } from "./check.ts"
import type { DrillPlace } from "./DrillPlace.ts"
import { monotonicMs } from "../../bench/support/clock.ts"
import { recoveryOf } from "./recovery.ts"
import type { Recovery } from "./recovery.ts"

export type DrillMode = "worker" | "group" | "database"

export interface Drill {
  readonly mode: DrillMode
  readonly kills: number
  readonly seed: number
  readonly walkers?: number
  readonly writers?: number
}

export interface DrillResult {
  readonly verdict: Verdict
  readonly recovery: Recovery
}

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url))

const folder = Effect.acquireRelease(
  Effect.sync(() => fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "postroom-drill-")))),
  (made) =>
    Effect.sync(() =>
      process.env["DRILL_KEEP"] === undefined ? fs.rmSync(made, { recursive: true, force: true }) : undefined
    )
)

/** How long work goes on before the next kill, ms. */
const [shortest, longest] = [50, 1_500]

/** Every so many kills, one does not wait until work goes on again: it falls into a start. */
const hastyEvery = 5

/** A start that takes longer than this is killed all the same, ms. */
const mostForStart = 20_000

/** Waits until nothing is left to do, at most three minutes, and answers the verdict. */
const judged = (place: DrillPlace) =>
  Effect.scoped(
    Effect.gen(function* () {
      const server = yield* startEmbeddedPostgres({ dataDir: place.dataDir })
      const url = Redacted.value(server.url)
      const open = Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const [row] = yield* sql<{ n: bigint }>`
          SELECT (SELECT count(*) FROM event e LEFT JOIN task t ON t.id = e.task WHERE t.state IS NULL OR t.state < 2)
            + (SELECT count(*) FROM task WHERE state < 2)
            + (SELECT coalesce(sum(p.next_offset), 0)::int8 FROM topic_partition p JOIN topic t ON t.id = p.topic WHERE t.name = 'chaos.marks')
            - (SELECT count(*) FROM task t JOIN queue q ON q.id = t.queue WHERE q.name = 'mirror') AS n`
        return Number(row!.n)
      })
      const quiet = Effect.gen(function* () {
        while ((yield* open) > 0) yield* Effect.sleep("100 millis")
      }).pipe(Effect.provide(PgClient.layer({ url: server.url })))
      yield* Effect.timeoutOption(quiet, "3 minutes")
      return yield* judge(url, place.records)
    })
  )

/** Runs a drill and answers what was found. */
export const runDrill = ({
  mode,
  kills,
  seed,
  walkers = 40,
  writers = 8
}: Drill): Effect.Effect<DrillResult, unknown> =>
  Effect.scoped(
    Effect.gen(function* () {
      const random = randomOf(seed)
      const home = yield* folder
      const records = path.join(home, "records")
      fs.mkdirSync(records)
      const outside = yield* startScript(script("outside.ts"), [String(writers), path.join(records, "ledger.jsonl")])
      const place: DrillPlace = {
        dataDir: path.join(home, "data"),
        records,
        telegram: (yield* outside.next).telegram,
        walkers,
        writers,
        databaseUrl: null
      }
      const argument = JSON.stringify(place)
      const isAlone = mode === "worker"
      const client = isAlone ? yield* startScript(script("client.ts"), [argument]) : undefined
      const start = startScript(script(isAlone ? "worker.ts" : "group.ts"), [argument])
      let victim = yield* start
      const attempts = path.join(records, "attempts.log")
      const written = () => fs.statSync(attempts, { throwIfNoEntry: false })?.size ?? 0
      const worksAgain = (since: number) =>
        Effect.gen(function* () {
          while (written() === since) yield* Effect.sleep("10 millis")
        }).pipe(Effect.timeoutOption(mostForStart))
      yield* worksAgain(0)
      const killedAt: Array<number> = []
      for (let kill = 0; kill < kills; kill++) {
        yield* Effect.sleep(shortest + random() * (longest - shortest))
        killedAt.push(monotonicMs())
        if (mode === "database") for (const pid of serverPids(place.dataDir)) process.kill(pid, "SIGKILL")
        yield* victim.kill
        const since = written()
        victim = yield* start
        if (kill % hastyEvery !== hastyEvery - 1) yield* worksAgain(since)
      }
      yield* Effect.sleep("2 seconds")
      if (client !== undefined) yield* client.kill
      else {
        yield* victim.kill
        victim = yield* startScript(script("worker.ts"), [argument])
      }
      const verdict = yield* judged(place)
      yield* victim.kill
      return { verdict, recovery: recoveryOf(attempts, killedAt) }
    })
  )
