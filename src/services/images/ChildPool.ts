/**
 * The child processes in which pictures are decoded. A crash, a hang or too much memory costs the one
 * picture that caused it; a job that is cancelled ends at once, because its child does. The number of
 * processes, and the memory of all of them, are bounded whatever waits.
 */
import { Duration, Effect, Schedule, type Scope } from "effect"
import { makeAdmission, type Urgency } from "./Admission.ts"
import {
  begin,
  type Child,
  crashed,
  hold,
  isAlive,
  memoryOf,
  proceed,
  startChild,
  stopChild
} from "./DecoderProcess.ts"
import { ImageError, Timeout } from "./ImageError.ts"
import type { Job, Results } from "./Job.ts"

/** Bounds of the pool. */
export interface ChildPoolOptions {
  /** Most processes, and so most pictures at a time. */
  readonly size: number
  /** A job that takes longer is killed. */
  readonly hardTimeout: Duration.Duration
  /** What the pictures of all children together may take, as estimated from their headers, in bytes. */
  readonly memory: number
  /** A child with more memory than this after a job is replaced, in bytes. */
  readonly rssAfterJob: number
  /** A child that takes more memory than this during a job is killed, in bytes. Seen on Linux only. */
  readonly rssDuringJob: number
  /** A child is replaced after so many jobs: decoders fragment memory. */
  readonly jobsPerChild: number
}

/** How a job is to be run. */
export interface RunOptions {
  /** What somebody waits for goes before what can wait. */
  readonly urgency: Urgency
  /** In a new process, with none beside it: for a picture that has cost a process its life. */
  readonly alone: boolean
}

type JobOf<Kind extends keyof Results> = Extract<Job, { readonly kind: Kind }>

/** Runs jobs in child processes. */
export interface ChildPool {
  readonly run: <Kind extends keyof Results>(
    job: JobOf<Kind>,
    options: RunOptions
  ) => Effect.Effect<Results[Kind], ImageError>
  /** Runs other work on a picture in the place of one of the processes. */
  readonly instead: (urgency: Urgency) => <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** Fails once the child takes more than `most` bytes; never, where the system does not tell. */
const watchMemory = (child: Child, most: number): Effect.Effect<never, ImageError> =>
  Effect.suspend(() =>
    memoryOf(child) > most
      ? Effect.fail(crashed(`the picture needed more than ${Math.round(most / 2 ** 20)} MB of memory`))
      : Effect.void
  ).pipe(Effect.repeat(Schedule.spaced("50 millis")), Effect.andThen(Effect.never))

/** A pool without children yet; they are started as jobs come and end with the scope. */
export const makeChildPool = Effect.fnUntraced(function* (
  options: ChildPoolOptions
): Effect.fn.Return<ChildPool, never, Scope.Scope> {
  const idle: Array<Child> = []
  const places = makeAdmission(options.size)
  const memory = makeAdmission(options.memory)

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

  /** Those that wait make room too: what is suspected of killing shares the machine with nobody. */
  const clear = Effect.suspend(() => Effect.forEach(idle.splice(0), stopChild, { discard: true }))

  const seconds = Duration.toSeconds(options.hardTimeout)
  const late = new ImageError({ reason: new Timeout({ detail: `not done after ${seconds} s` }) })

  const inTime = <A>(work: Effect.Effect<A, ImageError>) =>
    Effect.timeoutOrElse(work, { duration: options.hardTimeout, orElse: () => Effect.fail(late) })

  /** The header first; then, once there is memory for it, the rest. Waiting for memory does not count as work. */
  const work = <Kind extends keyof Results>(child: Child, job: JobOf<Kind>, urgency: Urgency) =>
    Effect.gen(function* () {
      const said = yield* inTime(begin(child, job))
      const end = said.kind === "wants" ? yield* memory.within(said.memory, urgency)(inTime(proceed(child))) : said
      if (end.kind === "done") return end.result as Results[Kind]
      return yield* crashed("the decoder asked a second time")
    })

  const once = <Kind extends keyof Results>(job: JobOf<Kind>, { urgency, alone }: RunOptions) =>
    Effect.acquireUseRelease(
      take,
      (child) => Effect.raceFirst(work(child, job, urgency), watchMemory(child, options.rssDuringJob)),
      (child) => (alone ? stopChild(child) : giveBack(child))
    )

  return {
    instead: (urgency) => places.within(1, urgency),
    run: (job, how) =>
      places.within(
        how.alone ? options.size : 1,
        how.urgency
      )(how.alone ? Effect.andThen(clear, once(job, how)) : once(job, how))
  }
})
