/**
 * `npm start` until it says that it runs: on an empty directory, where the
 * database has to be made, and then again.
 */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import * as path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { monotonicMs } from "../support/clock.ts"
import { round } from "../support/Figures.ts"
import type { Figures } from "../support/Figures.ts"
import { temporaryDirectory } from "../support/Installation.ts"

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))

/** Milliseconds from the call to the line that says that everything runs; the process is ended in order after it. */
const startOnce = (dataDir: string, args: ReadonlyArray<string>) =>
  Effect.promise(async () => {
    const begunAt = monotonicMs()
    const child = spawn(process.execPath, [main, "start", ...args], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, DATA_DIR: dataDir, HTTP_PORT: "0", LOG_LEVEL: "error" }
    })
    let took = Number.NaN
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith("Postroom runs")) continue
      took = monotonicMs() - begunAt
      child.kill("SIGTERM")
    }
    if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once("exit", done))
    return took
  })

/** The first start on an empty directory, the second on the same, and the third with one queue only. */
export const startup = Effect.scoped(
  Effect.gen(function* () {
    const dataDir = path.join(yield* temporaryDirectory, "data")
    const first = yield* startOnce(dataDir, ["--sandbox"])
    const second = yield* startOnce(dataDir, ["--sandbox"])
    const worker = yield* startOnce(dataDir, ["--roles", "collector"])
    return {
      scenario: "startup",
      variant: "npm start",
      broker: "postgres",
      firstMs: round(first, 0),
      secondMs: round(second, 0),
      workerMs: round(worker, 0)
    } satisfies Figures
  })
)
