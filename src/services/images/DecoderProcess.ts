/** One child process that decodes pictures: starting it, asking it, and ending it. */
import { Effect, Schema } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import * as net from "node:net"
import { fileURLToPath } from "node:url"
import { ImageError, ImageErrorReason, WorkerCrashed } from "./ImageError.ts"
import type { Answer, Job, Order } from "./Job.ts"

export interface Child {
  readonly process: ChildProcess
  /** The last words on its standard error. */
  words: string
  jobs: number
  /** Its memory after the last job, in bytes. */
  rss: number
  /** A job was sent and not answered: such a child is in an unknown state. */
  busy: boolean
}

/** The entry beside this module: `.ts` in a checkout, `.js` where it was built. */
const entry = fileURLToPath(new URL(`./child${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url))

/** One thread for decoding and few memory arenas: measured 258 instead of 338 MB at the same speed. */
const environment = { UV_THREADPOOL_SIZE: "1", MALLOC_ARENA_MAX: "2" }

export const crashed = (detail: string): ImageError => new ImageError({ reason: new WorkerCrashed({ detail }) })

const decodeReason = Schema.decodeSync(ImageErrorReason)

export const startChild = (): Child => {
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

export const isAlive = ({ process }: Child): boolean =>
  process.connected && process.exitCode === null && process.signalCode === null

/** A child that waits must not keep Postroom from ending; one that works must. */
export const hold = ({ process }: Child, busy: boolean): void => {
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
export const stopChild = (child: Child): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const { process } = child
    const done = () => resume(Effect.void)
    if (process.pid === undefined || process.exitCode !== null || process.signalCode !== null) return done()
    process.once("exit", done)
    // An idle child does not keep the event loop alive; its end has to be waited for all the same.
    process.ref()
    process.kill("SIGKILL")
  })

/** What a child says that is no failure. */
export type Said = Exclude<Answer, { readonly kind: "failed" }>

/** Sends an order and waits for what the child says to it, or for its end. */
const tell = (child: Child, order: Order): Effect.Effect<Said, ImageError> =>
  Effect.callback((resume) => {
    const { process } = child
    const settle = (outcome: Effect.Effect<Said, ImageError>) => {
      quit()
      resume(outcome)
    }
    const died = (detail: string) => settle(Effect.fail(crashed(`${detail} ${child.words}`.trim())))
    const onMessage = (answer: Answer) => {
      if (answer.kind !== "wants") {
        child.rss = answer.rss
        child.busy = false
      }
      settle(
        answer.kind === "failed"
          ? Effect.fail(new ImageError({ reason: decodeReason(answer.reason) }))
          : Effect.succeed(answer)
      )
    }
    const onExit = (code: number | null, signal: string | null) => died(`the decoder ended by ${signal ?? code}.`)
    const onError = (cause: Error) => died(cause.message)
    const quit = () => {
      process.off("message", onMessage).off("exit", onExit).off("error", onError)
    }
    process.on("message", onMessage).on("exit", onExit).on("error", onError)
    // It may have died between two orders, when nobody listened.
    if (process.exitCode !== null || process.signalCode !== null) onExit(process.exitCode, process.signalCode)
    // A process that could not be started has no channel; the reason comes with its error event.
    else if (process.pid !== undefined)
      process.send(order, (cause) => {
        if (cause !== null) died(cause.message)
      })
    return Effect.sync(quit)
  })

/** Gives the child a job: it reads the header, and wants so much memory for the rest or has come to an end already. */
export const begin = (child: Child, job: Job): Effect.Effect<Said, ImageError> =>
  Effect.suspend(() => {
    child.jobs += 1
    child.busy = true
    return tell(child, { kind: "job", job })
  })

/** Lets the child go on with the job it has begun. */
export const proceed = (child: Child): Effect.Effect<Said, ImageError> => tell(child, { kind: "go" })

const pageSize = 4_096

/** The memory a child has now, in bytes; 0 where it has ended or the system does not tell. */
export const memoryOf = ({ process }: Child): number => {
  try {
    return Number(fs.readFileSync(`/proc/${process.pid}/statm`, "latin1").split(" ")[1]) * pageSize
  } catch {
    return 0
  }
}
