/** The command line as its user runs it: a process of its own, what it printed, and how it ended. */
import { Effect } from "effect"
import type { Scope } from "effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Program {
  readonly pid: number
  /** Resolves with what a pattern matched on stdout, or dies where the process ends first. */
  readonly said: (pattern: RegExp) => Effect.Effect<RegExpExecArray>
  readonly signal: (name: NodeJS.Signals) => Effect.Effect<void>
  readonly ended: Effect.Effect<Ended>
}

const outer = new Set(["PATH", "HOME", "TMPDIR", "LANG"])

/** Only what a shell of a new user has: no key of the surroundings may reach the program. */
const bare = Object.fromEntries(Object.entries(process.env).filter(([key]) => outer.has(key)))

/** Starts `postroom` with arguments in `folder`; it is killed where the scope closes first. */
export const startProgram = (
  args: ReadonlyArray<string>,
  options: { readonly folder: string; readonly env?: Readonly<Record<string, string>> }
): Effect.Effect<Program, never, Scope.Scope> =>
  Effect.gen(function* () {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [main, ...args], { cwd: options.folder, env: { ...bare, ...options.env } })
      ),
      (started) =>
        Effect.promise(
          () =>
            new Promise<void>((resolve) => {
              if (started.exitCode !== null || started.signalCode !== null) return resolve()
              started.once("close", () => resolve())
              started.kill("SIGKILL")
            })
        )
    )
    let out = ""
    let err = ""
    let end: Ended | undefined
    const listeners = new Set<() => void>()
    const tell = () => listeners.forEach((listener) => listener())
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text
      tell()
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text
    })
    child.stdin.end()
    child.on("close", (code) => {
      end = { code, out, err }
      tell()
    })
    const until = <A>(look: () => A | undefined): Effect.Effect<A> =>
      Effect.callback<A>((resume) => {
        const listener = () => {
          const found = look()
          if (found === undefined && end === undefined) return
          listeners.delete(listener)
          resume(
            found === undefined
              ? Effect.die(new Error(`the program ended first (${end?.code}): ${out}${err}`))
              : Effect.succeed(found)
          )
        }
        listeners.add(listener)
        listener()
      })
    return {
      pid: child.pid ?? 0,
      said: (pattern) => until(() => pattern.exec(out) ?? undefined),
      signal: (name) => Effect.sync(() => void child.kill(name)),
      ended: until(() => end)
    }
  })

/** Runs `postroom` to its end. */
export const runProgram = (
  args: ReadonlyArray<string>,
  options: { readonly folder: string; readonly env?: Readonly<Record<string, string>> }
): Effect.Effect<Ended> => Effect.scoped(Effect.flatMap(startProgram(args, options), (program) => program.ended))
