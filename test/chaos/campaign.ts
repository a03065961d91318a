/**
 * A campaign of chaos: an installation of an API, three workers and an
 * embedded PostgreSQL under load, hit by faults drawn from a seed while
 * operators pause, cancel and retry. Then the faults end, everything has to
 * come to rest, and what is left is judged by `check.ts`.
 */
import { PgClient } from "@effect/sql-pg"
import type { Scope } from "effect"
import { Effect, Fiber, Layer, Redacted } from "effect"
import type { SqlClient } from "effect/sql"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as net from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { startScript } from "../../bench/support/ChildProgram.ts"
import * as Tokens from "../../src/api/Tokens.ts"
import { layerStorage } from "../../src/cli/storage.ts"
import { startEmbeddedPostgres } from "../../src/database/embedded/EmbeddedPostgres.ts"
import { randomOf, shuffled } from "./chance.ts"
import type { ChaosBroker } from "./ChaosBroker.ts"
import { isClean, judge } from "./check.ts"
import type { Verdict } from "./check.ts"
import { clockOf, findFakeTime } from "./clocks.ts"
import type { ChaosPlace } from "./DrillPlace.ts"
import { faults, letGo } from "./faults.ts"
import type { Fault, Stage } from "./faults.ts"
import { monotonicMs } from "../../bench/support/clock.ts"
import { startOperators } from "./operators.ts"
import { startProxy } from "./Proxy.ts"
import { recoveriesOf } from "./recoveries.ts"
import type { Recoveries } from "./recoveries.ts"
import { supervise } from "./Supervised.ts"

export interface Campaign {
  /** Where the topics are; made within the campaign's scope. */
  readonly broker: Effect.Effect<ChaosBroker, unknown, Scope.Scope>
  readonly seed: number
  /** How long faults strike, ms. */
  readonly forMs: number
  /** From one fault to the next, ms on average. */
  readonly everyMs: number
  readonly users: number
  /** Steps of all walkers per second. */
  readonly rate: number
  /** The kinds of faults that strike; null: all there are. */
  readonly kinds: ReadonlySet<string> | null
  readonly onProgress: (line: string) => void
}

export interface CampaignResult {
  readonly verdict: Verdict
  /** By kind, how often it struck. */
  readonly struck: Readonly<Record<string, number>>
  readonly workersKilled: number
  /** Processes that ended by themselves: refused starts while the database was down, a watchdog that gave up. */
  readonly ownEnds: number
  readonly skipped: ReadonlyArray<string>
  readonly recoveries: Recoveries
  /** From the end of the faults to rest, ms; null where it was waited for in vain. */
  readonly restedMs: number | null
  readonly tookMs: number
  /** Where everything is that was written down; it is removed where nothing was found. */
  readonly home: string
}

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** A folder of the campaign; what found something stays for who wants to look. */
const homeFolder = (keeps: () => boolean) =>
  Effect.acquireRelease(
    Effect.sync(() => fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "postroom-chaos-")))),
    (made) => Effect.sync(() => (keeps() ? undefined : fs.rmSync(made, { recursive: true, force: true })))
  )

/** Holds what a long campaign draws. */
const smallDiskMb = 512

/** A disk of its own for blobs, where the user may mount one. */
const mountSmallDisk = (folder: string): Effect.Effect<string | null, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      fs.mkdirSync(folder)
      const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${smallDiskMb}m`, "postroom-chaos", folder])
      return mounted.status === 0 ? folder : null
    }),
    (mounted) => Effect.sync(() => (mounted === null ? undefined : spawnSync("umount", ["-l", mounted])))
  )

const freePort = Effect.callback<number>((resume) => {
  const server = net.createServer()
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as net.AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

const workers = 3

/** One of each kind first, then by their shares, in an order of the seed. */
const deal = function* (random: () => number, known: ReadonlyArray<Fault>): Generator<Fault, never> {
  yield* shuffled(random, known)
  while (true)
    yield* shuffled(
      random,
      known.flatMap((fault) => Array.from({ length: fault.share }, () => fault))
    )
}

/** Whether an effect that asks the database is answered; one that is being killed is asked again. */
const insist = <A, R>(effect: Effect.Effect<A, unknown, R>) =>
  effect.pipe(
    Effect.tapError(() => Effect.sleep("300 millis")),
    Effect.retry({ times: 10_000 }),
    Effect.orDie
  )

/** Every so many faults, one does not wait until work goes on again: the next falls into a start. */
const hastyEvery = 5

/** Work that does not go on for so long is struck again all the same. */
const mostForWork = "20 seconds"

/** What is left when the faults end must be done in as long as they struck, and no test waits less than this, ms. */
const leastForRest = 360_000

export const runCampaign = (campaign: Campaign): Effect.Effect<CampaignResult, unknown> => {
  let isSound = false
  return Effect.scoped(
    Effect.gen(function* () {
      const startedAt = monotonicMs()
      const { seed, users, rate } = campaign
      const broker = yield* campaign.broker
      const random = randomOf(seed)
      const home = yield* homeFolder(() => !isSound)
      const [records, logs, dataDir] = ["records", "logs", "data"].map((name) => path.join(home, name)) as [
        string,
        string,
        string
      ]
      fs.mkdirSync(records)
      fs.mkdirSync(logs)
      const smallDisk = yield* mountSmallDisk(path.join(home, "files"))
      const [writers, authors, wanderers] = [Math.min(30, users), Math.min(8, users), Math.min(100, users)]

      const outside = yield* startScript(script("outside.ts"), [
        String(writers + authors),
        path.join(records, "ledger.jsonl")
      ])
      const server = yield* startEmbeddedPostgres({ dataDir })
      const socket = path.join(server.socketDir, `.s.PGSQL.${server.port}`)
      const storage = layerStorage({ dataDir, databaseUrl: server.url, kafkaBrokers: null }) as Layer.Layer<
        SqlClient.SqlClient,
        unknown
      >
      const token = yield* Tokens.Tokens.use((tokens) => tokens.make("chaos")).pipe(
        Effect.provide(Tokens.layer.pipe(Layer.provide(storage)))
      )
      const { telegram, openAi } = yield* outside.next
      const placeOf = (databasePort: number): ChaosPlace => ({
        dataDir,
        records,
        telegram,
        openAi,
        walkers: Math.max(1, users - writers - authors - wanderers),
        writers,
        wanderers,
        authors,
        rate,
        databaseUrl: `postgresql://${server.user}@127.0.0.1:${databasePort}/${server.database}`,
        kafkaBrokers: broker.kafkaBrokers,
        api: { port: apiPort, token },
        files: path.join(home, "files")
      })
      const apiPort = yield* freePort
      const fakeTime = findFakeTime()
      const clocks = Array.from({ length: workers }, (_, n) => clockOf(fakeTime, path.join(home, `clock-${n}`)))
      const member = (name: string, file: string, env: NodeJS.ProcessEnv = {}) =>
        Effect.gen(function* () {
          const proxy = yield* startProxy(() => ({ path: socket }))
          const argument = JSON.stringify(placeOf(proxy.port))
          return { proxy, process: yield* supervise(name, script(file), [argument], logs, env) }
        })
      const api = yield* member("api", "api.ts")
      const crew = yield* Effect.forEach(clocks, ({ env }, n) => member(`worker-${n}`, "worker.ts", env))
      const client = yield* supervise("client", script("poster.ts"), [JSON.stringify(placeOf(0))], logs)
      const stage: Stage = {
        random,
        api,
        workers: crew,
        client,
        dataDir,
        smallDisk,
        setClock: fakeTime === null ? null : (worker, seconds) => clocks[worker]!.set(seconds)
      }

      const written = (file: string) => fs.statSync(path.join(records, file), { throwIfNoEntry: false })?.size ?? 0
      while (written("attempts.log") === 0) yield* Effect.sleep("50 millis")

      const everyKind = [...faults, ...broker.faults].filter(({ kind }) => campaign.kinds?.has(kind) ?? true)
      const known = everyKind.filter((fault) => fault.skipped(stage) === null)
      const skipped = everyKind.flatMap((fault) => {
        const why = fault.skipped(stage)
        return why === null ? [] : [`${fault.kind}: ${why}`]
      })
      for (const line of skipped) campaign.onProgress(`skipped: ${line}\n`)

      const operators = startOperators(placeOf(0), randomOf(seed + 1))
      const atWork = yield* Effect.forkScoped(operators.work)
      const faultLog = fs.openSync(path.join(records, "faults.log"), "a")
      const struck: Record<string, number> = {}
      let workersKilled = 0
      let count = 0
      const cards = deal(random, known)
      const strikesFrom = monotonicMs()
      const open = new Set<Fiber.Fiber<void>>()
      const progress = (what: string) =>
        campaign.onProgress(
          `${Math.round((monotonicMs() - strikesFrom) / 1000)} s  ${what}  faults ${Object.values(struck).reduce((a, b) => a + b, 0)}  workers killed ${workersKilled}  attempts ${Math.round(written("attempts.log") / 80)}`
        )
      while (monotonicMs() - strikesFrom < campaign.forMs) {
        yield* Effect.sleep(campaign.everyMs * (0.3 + 1.4 * random()))
        const fault = cards.next().value
        const from = monotonicMs()
        const hit = fault.hit(stage)
        if (hit === null) continue
        struck[fault.kind] = (struck[fault.kind] ?? 0) + 1
        workersKilled += hit.workersKilled
        const end = Effect.sync(() => {
          hit.end()
          fs.writeSync(
            faultLog,
            `${JSON.stringify({ kind: fault.kind, pids: hit.pids, from, until: monotonicMs() })}\n`
          )
        })
        if (hit.lastsMs === 0) yield* end
        else {
          const lasting = yield* Effect.forkScoped(Effect.andThen(Effect.sleep(hit.lastsMs), end))
          open.add(lasting)
        }
        progress(fault.kind)
        // A machine that is busy takes long to start a process: kills without end would show nothing of what follows.
        const since = written("attempts.log")
        if (++count % hastyEvery !== 0) {
          yield* Effect.timeoutOption(
            Effect.sleep("50 millis").pipe(Effect.repeat({ until: () => written("attempts.log") > since })),
            mostForWork
          )
        }
      }
      yield* Effect.forEach(open, Fiber.await, { concurrency: "unbounded", discard: true })
      yield* letGo(stage)
      progress("the faults have ended")
      const restFrom = monotonicMs()
      yield* Fiber.interrupt(atWork)

      const ask = Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const [row] = yield* sql<{ n: bigint; failed: bigint }>`SELECT
          (SELECT count(*) FROM task WHERE state < 2) AS n,
          (SELECT count(*) FROM task WHERE state > 2 AND state = 3 AND reason LIKE '%the gate is shut%') AS failed`
        return { open: Number(row!.n) + (yield* broker.unread), failed: Number(row!.failed) }
      }).pipe(Effect.provide(PgClient.layer({ url: server.url })), insist)
      // What is asked for last must have been read before it is waited for: the client is told to stop by its end.
      const rest = Effect.gen(function* () {
        yield* client.retire
        while (true) {
          const { open: left, failed } = yield* ask
          if (left === 0 && failed === 0) return
          progress(`${left} to do`)
          if (failed > 0) yield* operators.retryFailed
          yield* Effect.sleep("300 millis")
        }
      })
      const rested = yield* Effect.timeoutOption(rest, Math.max(leastForRest, campaign.forMs))
      const restedMs = rested._tag === "Some" ? Math.round(monotonicMs() - restFrom) : null
      const ownEnds = [api, ...crew].reduce((sum, { process }) => sum + process.ends(), 0)
      yield* Effect.forEach([api, ...crew], ({ process }) => process.retire, { concurrency: "unbounded" })
      fs.closeSync(faultLog)
      const url = Redacted.value(server.url)
      const verdict = yield* judge(url, records)
      const recoveries = yield* recoveriesOf(url, records)
      isSound = isClean(verdict) && restedMs !== null && process.env["DRILL_KEEP"] === undefined
      return {
        verdict,
        struck,
        workersKilled,
        ownEnds,
        skipped,
        recoveries,
        restedMs,
        tookMs: Math.round(monotonicMs() - startedAt),
        home
      }
    })
  )
}
