/**
 * Runs a program of the machine on a stranger's file: with nothing of our environment, no input but the file, and
 * bounds of memory, processor time and what it may write that the system enforces; killed with all it has started when
 * it takes too long or nobody wants its picture any more.
 */
import { Duration, Effect } from "effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { ImageError, Corrupt, StorageError, Timeout } from "./ImageError.ts"

/** Bounds of one run. */
export interface ExtractLimits {
  /** Bytes of address space. */
  readonly memory: number
  /** Bytes of its largest file. */
  readonly fileSize: number
  readonly timeout: Duration.Duration
}

/** `ulimit` counts kibibytes of memory, seconds, and blocks of 512 bytes. */
const bounded = ({ memory, fileSize, timeout }: ExtractLimits): string =>
  `ulimit -v ${Math.ceil(memory / 1_024)}; ulimit -t ${Math.ceil(Duration.toSeconds(timeout))}; ulimit -f ${Math.ceil(fileSize / 512)}; exec "$@"`

const mostWords = 300

/** Runs `command`; what it writes to its standard output goes to the file `stdout`, where that is given. */
const run = (command: ReadonlyArray<string>, stdout: string | null, limits: ExtractLimits) =>
  Effect.callback<void, ImageError>((resume) => {
    const fail = (reason: Corrupt | StorageError) => resume(Effect.fail(new ImageError({ reason })))
    const out = stdout === null ? "ignore" : fs.openSync(stdout, "wx", 0o600)
    const started = spawn("/bin/sh", ["-c", bounded(limits), "sh", ...command], {
      env: {},
      detached: true,
      stdio: ["ignore", out, "pipe"]
    })
    if (typeof out === "number") fs.closeSync(out)
    let words = ""
    started.stderr?.on("data", (chunk: Buffer) => {
      words = (words + chunk.toString("utf8")).slice(0, mostWords)
    })
    started.on("error", (cause) => fail(new StorageError({ detail: cause.message })))
    started.on("close", (code, signal) => {
      if (code === 0) return resume(Effect.void)
      // Without the folders of this machine: its owner reads it.
      const said = (words.split("\n", 1)[0] ?? "").replace(/(\/[^\s/:']+)+\//g, "")
      fail(
        new Corrupt({
          detail: `no picture could be made of it (${signal ?? `code ${code}`})${said === "" ? "" : `: ${said}`}`
        })
      )
    })
    return Effect.callback<void>((done) => {
      if (started.pid === undefined || started.exitCode !== null || started.signalCode !== null)
        return done(Effect.void)
      started.once("close", () => done(Effect.void))
      // The group: programs start others.
      process.kill(-started.pid, "SIGKILL")
    })
  })

/** Has `command` write a picture to `output`. */
export const extract = (
  command: ReadonlyArray<string>,
  output: string,
  toStdout: boolean,
  limits: ExtractLimits
): Effect.Effect<void, ImageError> =>
  run(command, toStdout ? output : null, limits).pipe(
    Effect.timeoutOrElse({
      duration: limits.timeout,
      orElse: () => {
        const detail = `no picture was made of it within ${Duration.toSeconds(limits.timeout)} s`
        return Effect.fail(new ImageError({ reason: new Timeout({ detail }) }))
      }
    }),
    Effect.andThen(
      Effect.suspend(() =>
        fs.existsSync(output)
          ? Effect.void
          : Effect.fail(new ImageError({ reason: new Corrupt({ detail: "no picture could be made of it" }) }))
      )
    )
  )
