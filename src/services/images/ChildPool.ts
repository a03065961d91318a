/**
 * The child processes in which pictures are decoded. A crash, a hang or too much memory costs the one
 * picture that caused it; a job that is cancelled ends at once, because its child does. The number of
 * processes is bounded whatever waits.
 */
import { Duration, Effect, Schedule, Schema, type Scope, Semaphore } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import * as net from "node:net"
import { fileURLToPath } from "node:url"
import { ImageError, ImageErrorReason, Timeout, WorkerCrashed } from "./ImageError.ts"
import type { Answer, Job, Results } from "./Job.ts"

/** Bounds of the pool. */
export interface ChildPoolOptions {
  /** Most processes, and so most pictures at a time. */
  readonly size: number
  /** A job that takes longer is killed. */
  readonly hardTimeout: Duration.Duration
  /** A child with more memory than this after a job is replaced, in bytes. */
  readonly rssAfterJob: number
  /** A child that takes more memory than this during a job is killed, in bytes. Seen on Linux only. */
  readonly rssDuringJob: number
  /** A child is replaced after so many jobs: decoders fragment memory. */
  readonly jobsPerChild: number
}

/** Runs jobs in child processes. */
export interface ChildPool {
  readonly run: <Kind extends keyof Results>(
    job: Extract<Job, { readonly kind: Kind }>
  ) => Effect.Effect<Results[Kind], ImageError>
}

interface Child {
  readonly process: ChildProcess
  /** The last words on its standard error. */
  words: string
  jobs: number
  rss: number
  /** A job was sent and not answered: such a child is in an unknown state. */
  busy: boolean
}

/** The entry beside this module: `.ts` in a checkout, `.js` where it was built. */
const entry = fileURLToPath(new URL(`./child${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url))

/** One thread for decoding and few memory arenas: measured 258 instead of 338 MB at the same speed. */
const environment = { UV_THREADPOOL_SIZE: "1", MALLOC_ARENA_MAX: "2" }

const crashed = (detail: string): ImageError => new ImageError({ reason: new WorkerCrashed({ detail }) })

const decodeReason = Schema.decodeSync(ImageErrorReason)

const startChild = (): Child => {
  const started = spawn(process.execPath, [entry], {
    env: environment,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    serialization: "advanced"
  })
  const child: Child = { process: started, words: "", jobs: 0, rss: 0, busy: false }
  started.stderr?.on("data", (chunk: Buffer) => {
    child.words = (child.words + chunk.toString("utf8")).slice(-500)
  })
  // Without a listener a child that cannot be started would end Postroom; `ask` hears of it too.
  started.on("error", (cause) => {
    child.words = cause.message
  })
  return child
}

const isAlive = ({ process }: Child): boolean =>
  process.connected && process.exitCode === null && process.signalCode === null

/** A child that waits must not keep Postroom from ending; one that works must. */
const hold = ({ process }: Child, busy: boolean): void => {
  if (busy) {
    process.ref()
    process.channel?.ref()
  } else {
    process.unref()
    process.channel?.unref()
    if (process.stderr instanceof net.Socket) process.stderr.unref()
  }
}

/** Kills a child and waits until it is gone, so that nothing is written after its files were removed. */
const stopChild = (child: Child): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const { process } = child
    const done = () => resume(Effect.void)
    if (process.pid === undefined || process.exitCode !== null || process.signalCode !== null) return done()
    process.once("exit", done)
    // An idle child does not keep the event loop alive; its end has to be waited for all the same.
    process.ref()
    process.kill("SIGKILL")
  })

/** Sends `job` and waits for the answer or the end of the child. */
const ask = (child: Child, job: Job): Effect.Effect<Results[keyof Results], ImageError> =>
  Effect.callback((resume) => {
    const { process } = child
    const settle = (outcome: Effect.Effect<Results[keyof Results], ImageError>) => {
      quit()
      resume(outcome)
    }
    const died = (detail: string) => settle(Effect.fail(crashed(`${detail} ${child.words}`.trim())))
    const onMessage = (answer: Answer) => {
      child.rss = answer.rss
      child.busy = false
      settle(
        answer.kind === "done"
          ? Effect.succeed(answer.result)
          : Effect.fail(new ImageError({ reason: decodeReason(answer.reason) }))
      )
    }
    const onExit = (code: number | null, signal: string | null) => died(`the decoder ended by ${signal ?? code}.`)
    const onError = (cause: Error) => died(cause.message)
    const quit = () => {
      process.off("message", onMessage).off("exit", onExit).off("error", onError)
    }
    child.jobs += 1
    child.busy = true
    process.on("message", onMessage).on("exit", onExit).on("error", onError)
    // A process that could not be started has no channel; the reason comes with its error event.
    if (process.pid === undefined) return
    process.send(job, (cause) => {
      if (cause !== null) died(cause.message)
    })
    return Effect.sync(quit)
  })

const pageSize = 4_096

/** Fails once the child takes more than `most` bytes; never, where the system does not tell. */
const watchMemory = (child: Child, most: number): Effect.Effect<never, ImageError> =>
  Effect.suspend(() => {
    let pages = 0
    try {
      pages = Number(fs.readFileSync(`/proc/${child.process.pid}/statm`, "latin1").split(" ")[1])
    } catch {
      // It has ended, or there is no /proc.
    }
    return pages * pageSize > most
      ? Effect.fail(crashed(`the picture needed more than ${Math.round(most / 2 ** 20)} MB of memory`))
      : Effect.void
  }).pipe(Effect.repeat(Schedule.spaced("100 millis")), Effect.andThen(Effect.never))

/** A pool without children yet; they are started as jobs come and end with the scope. */
export const makeChildPool = Effect.fnUntraced(function* (
  options: ChildPoolOptions
): Effect.fn.Return<ChildPool, never, Scope.Scope> {
  const idle: Array<Child> = []
  const slots = yield* Semaphore.make(options.size)

  let closed = false
  yield* Effect.addFinalizer(() => {
    closed = true
    return Effect.forEach(idle.splice(0), stopChild, { concurrency: "unbounded", discard: true })
  })

  const take = Effect.sync(() => {
    let child = idle.pop()
    while (child !== undefined && !isAlive(child)) child = idle.pop()
    child ??= startChild()
    hold(child, true)
    return child
  })

  const giveBack = (child: Child): Effect.Effect<void> => {
    const worn = child.jobs >= options.jobsPerChild || child.rss > options.rssAfterJob
    if (child.busy || worn || closed || !isAlive(child)) return stopChild(child)
    hold(child, false)
    idle.push(child)
    return Effect.void
  }

  const seconds = Duration.toSeconds(options.hardTimeout)
  const late = new ImageError({ reason: new Timeout({ detail: `not done after ${seconds} s` }) })
  const once = (job: Job) =>
    Effect.acquireUseRelease(
      take,
      (child) =>
        Effect.raceFirst(ask(child, job), watchMemory(child, options.rssDuringJob)).pipe(
          Effect.timeoutOrElse({ duration: options.hardTimeout, orElse: () => Effect.fail(late) })
        ),
      giveBack
    )

  return {
    run: <Kind extends keyof Results>(job: Extract<Job, { readonly kind: Kind }>) =>
      slots.withPermits(1)(once(job)) as Effect.Effect<Results[Kind], ImageError>
  }
})
