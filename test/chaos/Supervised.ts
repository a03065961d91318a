/** A process that is started again whenever it ends, until the scope closes; then it is killed. */
import type { Scope } from "effect"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"

export interface Supervised {
  readonly name: string
  /** Of the life that runs now. */
  readonly pid: () => number
  readonly kill: () => void
  /** SIGTERM: it drains and ends, and stays away until `comeBack`. */
  readonly leave: () => void
  readonly comeBack: () => void
  readonly isAway: () => boolean
  readonly freeze: () => void
  readonly thaw: () => void
  /** Whether it stands still by `freeze`. */
  readonly isFrozen: () => boolean
  /** Kills it for good. */
  readonly retire: Effect.Effect<void>
  /** Ends that nobody had asked for: refused starts, a watchdog that gave up. */
  readonly ends: () => number
}

/** How long after an end of its own a process is started again, ms. */
const pauseMs = 300

/** What it says goes to `<name>.log` in `logs`. */
export const supervise = (
  name: string,
  script: string,
  args: ReadonlyArray<string>,
  logs: string,
  env: NodeJS.ProcessEnv = {}
): Effect.Effect<Supervised, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const log = fs.openSync(path.join(logs, `${name}.log`), "a")
        let child: ChildProcess | undefined
        let killed: ChildProcess | undefined
        let frozen = false
        let isOver = false
        let isAway = false
        let ends = 0
        const isGone = () => child === undefined || child.exitCode !== null || child.signalCode !== null
        const start = () => {
          if (isOver || isAway || !isGone()) return
          frozen = false
          const started = spawn(process.execPath, [script, ...args], {
            stdio: ["pipe", log, log],
            env: { ...process.env, NODE_COMPILE_CACHE: path.join(logs, "cache"), ...env }
          })
          // What is written to a process that is gone is nobody's loss.
          started.stdin?.on("error", () => undefined)
          started.on("exit", () => {
            if (started === killed) return start()
            if (!isOver && !isAway) ends++
            setTimeout(start, pauseMs)
          })
          child = started
        }
        const signal = (name: NodeJS.Signals) => {
          if (!isGone()) child?.kill(name)
        }
        const kill = () => {
          killed = child
          signal("SIGKILL")
        }
        start()
        const end = Effect.callback<void>((resume) => {
          isOver = true
          const last = child
          if (last === undefined || isGone()) return resume(Effect.void)
          last.once("exit", () => resume(Effect.void))
          kill()
        })
        return {
          end: Effect.andThen(
            end,
            Effect.sync(() => fs.closeSync(log))
          ),
          supervised: {
            name,
            pid: () => child?.pid ?? 0,
            kill,
            leave: () => {
              isAway = true
              signal("SIGTERM")
            },
            comeBack: () => {
              if (!isAway) return
              isAway = false
              start()
            },
            isAway: () => isAway,
            freeze: () => {
              frozen = true
              signal("SIGSTOP")
            },
            thaw: () => {
              frozen = false
              signal("SIGCONT")
            },
            isFrozen: () => frozen,
            retire: end,
            ends: () => ends
          } satisfies Supervised
        }
      }),
      ({ end }) => end
    ),
    ({ supervised }) => supervised
  )
