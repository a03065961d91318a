/** Drives the processes of embedded-postgres-process.ts: start, ask, close, kill. */
import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import type { EmbeddedPostgresOptions } from "../../src/database/embedded/EmbeddedPostgres.ts"

/** One line of a process. */
export interface Answer {
  readonly joined?: boolean
  readonly millis?: number
  readonly rows?: ReadonlyArray<Record<string, unknown>>
  readonly error?: string
  readonly closed?: boolean
  readonly failed?: string
  readonly message?: string
}

/** A process that uses the server. */
export interface User {
  readonly first: Answer
  readonly ask: (sql: string) => Effect.Effect<Answer>
  readonly close: Effect.Effect<void>
  /** `kill -9` of the process and its whole group. */
  readonly kill: Effect.Effect<void>
}

const script = fileURLToPath(new URL("embedded-postgres-process.ts", import.meta.url))

const ended = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once("exit", () => resolve()))

const killGroup = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    process.kill(-child.pid, "SIGKILL")
  }
  await ended(child)
}

/**
 * Starts a process in a group of its own, `prefix` before its command, and waits for its first line.
 * What is left of it is killed with the scope.
 */
export const user = (
  options: EmbeddedPostgresOptions,
  prefix: ReadonlyArray<string> = []
): Effect.Effect<User, never, Scope.Scope> =>
  Effect.gen(function* () {
    const command = [...prefix, process.execPath, script, JSON.stringify(options)]
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(command[0] ?? "", command.slice(1), { detached: true, stdio: ["pipe", "pipe", "inherit"], cwd: "/" })
      ),
      (child) => Effect.promise(() => killGroup(child))
    )
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const next = Effect.promise(() => lines.next()).pipe(
      Effect.map(({ value }): Answer => (value === undefined ? { failed: "no answer" } : JSON.parse(value)))
    )
    return {
      first: yield* next,
      ask: (sql) =>
        Effect.andThen(
          Effect.sync(() => child.stdin.write(`${sql}\n`)),
          next
        ),
      close: Effect.andThen(
        Effect.sync(() => child.stdin.write("close\n")),
        Effect.promise(() => ended(child))
      ),
      kill: Effect.promise(() => killGroup(child))
    }
  })

/** A scratch directory, removed with the scope after everything that was started in it. */
export const scratch: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "postroom-embedded-"))),
  (folder) =>
    Effect.gen(function* () {
      yield* until(Effect.sync(() => processesOf(folder).length === 0))
      for (const entry of fs.readdirSync(folder, { recursive: true, encoding: "utf8" })) {
        if (path.basename(entry) !== "socket-link") continue
        const link = fs.readFileSync(path.join(folder, entry), "utf8")
        fs.rmSync(path.dirname(link), { recursive: true, force: true })
      }
      fs.rmSync(folder, { recursive: true, force: true })
    })
)

/** The pids of keepers, servers and backends that work for `folder`, by command line or working directory. */
export const processesOf = (folder: string): ReadonlyArray<number> =>
  spawnSync("ps", ["-eo", "pid=,args=", "-ww"], { encoding: "utf8", maxBuffer: 64 << 20 })
    .stdout.split("\n")
    .map((line) => /^\s*(\d+) (.*)$/.exec(line))
    .filter((match) => match !== null)
    .filter(([, pid, command]) => {
      if (command?.includes(script) === true) return false
      return command?.includes(folder) === true || workingDirectory(Number(pid)).startsWith(folder)
    })
    .map(([, pid]) => Number(pid))

/** Where a process works, as far as this system tells. */
const workingDirectory = (pid: number): string => {
  try {
    return fs.readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ""
  }
}

/** The pid of the server of `dataDir`. */
export const postmaster = (dataDir: string): number =>
  Number(fs.readFileSync(path.join(dataDir, "cluster", "postmaster.pid"), "utf8").split("\n")[0])

/** Waits for a state; dies when it has not come about in 20 s. */
export const until = (state: Effect.Effect<boolean>): Effect.Effect<void> =>
  state.pipe(
    Effect.delay("20 millis"),
    Effect.repeat({ until: (reached) => reached }),
    Effect.timeout("20 seconds"),
    Effect.orDie,
    Effect.asVoid
  )
