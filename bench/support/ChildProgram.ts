/** A program of a measurement in its own process and process group, asked by lines and answering in JSON lines. */
import type { Scope } from "effect"
import { Data, Effect } from "effect"
import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

/** A program ended before it had answered. */
export class ProgramEnded extends Data.TaggedError("ProgramEnded")<{ readonly program: string }> {
  override get message() {
    return `${this.program} ended before it had answered`
  }
}

export interface ChildProgram {
  readonly pid: number
  /** The next line it says. */
  readonly next: Effect.Effect<any, ProgramEnded>
  /** Sends a line and waits for the answer. */
  readonly ask: (line: string) => Effect.Effect<any, ProgramEnded>
  /** `kill -9` of its whole group; answers when it is gone. */
  readonly kill: Effect.Effect<void>
  /** SIGTERM, and waits for its end. */
  readonly stop: Effect.Effect<void>
}

const isGone = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

const gone = (child: ChildProcess): Effect.Effect<void> =>
  Effect.promise(() => (isGone(child) ? Promise.resolve() : new Promise((done) => child.once("exit", () => done()))))

const signal = (child: ChildProcess, name: NodeJS.Signals, group: boolean) =>
  Effect.sync(() => {
    if (isGone(child) || child.pid === undefined) return
    process.kill(group ? -child.pid : child.pid, name)
  })

/** As `npm start` and the image run it. */
const memory = "--max-semi-space-size=16"

/** Starts a script with arguments; what is left of it is killed with the scope. */
export const startScript = (
  script: string,
  args: ReadonlyArray<string>,
  nodeOptions: ReadonlyArray<string> = []
): Effect.Effect<ChildProgram, never, Scope.Scope> =>
  Effect.gen(function* () {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [memory, ...nodeOptions, script, ...args], {
          detached: true,
          stdio: ["pipe", "pipe", "inherit"]
        })
      ),
      (started) => Effect.andThen(signal(started, "SIGKILL", true), gone(started))
    )
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const next = Effect.flatMap(
      Effect.promise(() => lines.next()),
      ({ value }) =>
        value === undefined
          ? Effect.fail(new ProgramEnded({ program: script }))
          : Effect.succeed(JSON.parse(value as string))
    )
    return {
      pid: child.pid ?? 0,
      next,
      ask: (line) =>
        Effect.andThen(
          Effect.sync(() => child.stdin.write(`${line}\n`)),
          next
        ),
      kill: Effect.andThen(signal(child, "SIGKILL", true), gone(child)),
      stop: Effect.andThen(signal(child, "SIGTERM", false), gone(child))
    }
  })

/** The same for `bench/programs/<name>.ts`. */
export const startProgram = (name: string, args: ReadonlyArray<string>, nodeOptions: ReadonlyArray<string> = []) =>
  startScript(fileURLToPath(new URL(`../programs/${name}.ts`, import.meta.url)), args, nodeOptions)
