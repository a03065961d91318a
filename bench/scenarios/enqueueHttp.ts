/**
 * Events over HTTP at a constant rate: an API process, a client process of its
 * own that does not wait for answers before it sends on, and times that count
 * from the planned moment of sending to the acknowledgement, which is on disk.
 */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { startProgram } from "../support/ChildProgram.ts"
import { round } from "../support/Figures.ts"
import type { Figures } from "../support/Figures.ts"
import { onFreshInstallation } from "../support/Installation.ts"
import { cpuMsOf, memoryMbOf, serverCpuMs } from "../support/processes.ts"
import type { HttpReport } from "../programs/http-client.ts"

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** The API of `dataDir` in a process of its own, with the address and the token it says at its start. */
const startApi = (dataDir: string) =>
  Effect.gen(function* () {
    const args = [file("../../src/main.ts"), "start", "--roles", "api", "--actors", file("../programs/http-actors.ts")]
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, args, {
          stdio: ["ignore", "pipe", "inherit"],
          env: { ...process.env, DATA_DIR: dataDir, HTTP_PORT: "0", LOG_LEVEL: "error" }
        })
      ),
      (started) =>
        Effect.promise(() => {
          if (started.exitCode !== null) return Promise.resolve()
          started.kill("SIGTERM")
          return new Promise<void>((done) => started.once("exit", () => done()))
        })
    )
    const said: { url?: string | undefined; token?: string | undefined } = {}
    yield* Effect.promise(async () => {
      for await (const line of createInterface({ input: child.stdout })) {
        said.url ??= /API at (\S+?),?( |$)/.exec(line)?.[1]
        said.token ??= /(pr_\S+)/.exec(line)?.[1]
        if (said.url !== undefined && said.token !== undefined) return
      }
    })
    return { pid: child.pid!, url: said.url!, token: said.token! }
  })

/** `perSecond` events for `seconds` over `connections`. */
export const enqueueHttp = (perSecond: number, seconds: number, connections = 64) =>
  onFreshInstallation((dataDir) =>
    Effect.gen(function* () {
      const api = yield* startApi(dataDir)
      const cpuBefore = cpuMsOf(api.pid) + serverCpuMs(dataDir)
      const client = yield* startProgram(
        "http-client",
        [api.url, api.token, perSecond, seconds, connections].map(String)
      )
      const report = (yield* client.next) as HttpReport
      const cpu = cpuMsOf(api.pid) + serverCpuMs(dataDir) - cpuBefore
      const [p50, p95, p99, max] = report.times
      return {
        scenario: "enqueue",
        variant: `HTTP, ${perSecond}/s planned, ${connections} connections`,
        broker: "postgres",
        tasks: report.accepted,
        seconds: round(report.seconds, 2),
        tasksPerSecond: Math.round(report.accepted / report.seconds),
        p50Ms: round(p50!, 2),
        p95Ms: round(p95!, 2),
        p99Ms: round(p99!, 2),
        maxMs: round(max!, 1),
        rssMb: round(memoryMbOf(api.pid, "VmHWM")),
        cpuMsPerTask: round(cpu / report.accepted, 4),
        refused: report.refused
      } satisfies Figures
    })
  )
