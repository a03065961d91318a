/**
 * The actors of a simulation and the outside they call. What a handler does is
 * said by its record; what it did is noted by the outside, which never forgets
 * and never dies.
 */
import { Effect, Exit, Schema } from "effect"
import { cancel, delay, done, fail, retry } from "../../src/domain/Outcome.ts"
import type { Outcome } from "../../src/domain/Outcome.ts"
import * as Actor from "../../src/runtime/Actor.ts"
import type { TaskContext } from "../../src/runtime/TaskContext.ts"
import * as Topic from "../../src/topics/Topic.ts"
import type { Process } from "./Kernel.ts"
import type { Note } from "./Store.ts"

/** What a record asks its handler to do. */
export const kinds = [
  "quick",
  "slow",
  "step",
  "count",
  "flaky",
  "fail",
  "gated",
  "throw",
  "delay",
  "quit",
  "hang",
  "stubborn",
  "poison",
  "fragile"
] as const

export type Kind = (typeof kinds)[number]

const Work = Schema.Struct({ n: Schema.Int, kind: Schema.Literals(kinds), ms: Schema.Int })
export type Work = typeof Work.Type

const topicOf = (name: string, partitions: number) =>
  Topic.make({ name, type: "work", description: "simulated work", value: Work, partitions })

export const topics = { in: topicOf("in", 3), mid: topicOf("mid", 2) }

/** What the handlers of one process need: where they are, and whom they tell. */
export interface Outside {
  readonly note: (process: Process, line: Note) => void
  readonly kill: (process: Process) => void
  /** How often something was asked of the outside so far, this time not counted. */
  readonly asked: (what: string) => number
  readonly nextRun: () => number
}

/** Decides how the attempt goes. */
const behave = (
  work: Work,
  task: TaskContext,
  process: Process,
  run: number,
  outside: Outside,
  hands: boolean
): Effect.Effect<Outcome> => {
  const next = (kind: Kind) =>
    hands
      ? [
          {
            topic: topics.mid.name,
            key: task.user === "" ? null : Topic.keyOfUser(task.user),
            value: new TextEncoder().encode(JSON.stringify({ n: work.n, kind, ms: work.ms })),
            type: "work"
          }
        ]
      : []
  const call = (step: string) =>
    Effect.sync(() => {
      outside.note(process, { k: "call", run, task: task.id, step })
      return outside.asked(`${task.id} ${step}`)
    })
  const { ms } = work
  const count: Effect.Effect<Outcome> = Effect.flatMap(task.getState<number>("count"), (before = 0) => {
    const set = task.setState("count", before + 1)
    return Effect.as(ms > 20 ? Effect.andThen(set, Effect.sleep(ms)) : set, done(before + 1, next("slow")))
  })
  switch (work.kind) {
    case "quick":
      return Effect.succeed(done(work.n, next("quick")))
    case "slow":
      return Effect.as(Effect.sleep(ms), done(work.n, next("count")))
    case "step":
      return Effect.gen(function* () {
        const first = yield* task.step("first", call("first"))
        yield* Effect.sleep(ms)
        const second = yield* task.step("second", call("second"))
        return done([first, second], next("quick"))
      })
    case "count":
      return count
    case "gated":
      // Fails for good the first time, and counts when an operator has it tried again.
      return Effect.suspend(() =>
        outside.asked(`${task.id} gate`) === 0 ? Effect.succeed(fail("told to fail", `because of ${work.n}`)) : count
      )
    case "flaky":
      return task.attempt < 2 ? Effect.succeed(retry("not yet")) : Effect.succeed(done(work.n, next("quick")))
    case "fail":
      return Effect.succeed(fail("told to fail", `because of ${work.n}`))
    case "throw":
      return Effect.andThen(Effect.sleep(ms), Effect.die(new Error("told to throw")))
    case "delay":
      return Effect.map(call("ask"), (times) =>
        times < 2 ? delay("come later", process.clock.currentTimeMillisUnsafe() + ms) : done(times, next("quick"))
      )
    case "quit":
      return Effect.succeed(cancel("told to quit"))
    case "hang":
      return Effect.never
    case "stubborn":
      return Effect.as(Effect.uninterruptible(Effect.sleep(ms * 4)), done(work.n))
    case "poison":
      return Effect.andThen(
        Effect.sleep(ms > 50 ? ms : 0),
        Effect.sync(() => outside.kill(process)).pipe(Effect.andThen(Effect.never))
      )
    case "fragile":
      return Effect.suspend(() => {
        if (outside.asked(`${task.id} fragile`) > 0) return Effect.succeed(done(work.n, next("quick")))
        outside.kill(process)
        return Effect.never
      })
  }
}

const handlerOf =
  (queue: string, process: Process, outside: Outside, hands: boolean) => (work: Work, task: TaskContext) =>
    Effect.suspend(() => {
      const run = outside.nextRun()
      const { id, user, attempt, headers } = task
      outside.note(process, {
        k: "start",
        run,
        queue,
        task: id,
        id: headers["ce_id"] ?? "",
        user,
        attempt,
        kind: work.kind,
        n: work.n
      })
      return Effect.onExit(behave(work, task, process, run, outside, hands), (exit) =>
        Effect.sync(() => {
          if (process.state === "dead") return
          outside.note(process, { k: "end", run, how: Exit.isSuccess(exit) ? exit.value._tag : howOf(exit) })
        })
      )
    })

const howOf = (exit: Exit.Failure<unknown, unknown>): string =>
  exit.cause.reasons.every((reason) => reason._tag === "Interrupt") ? "interrupted" : "thrown"

const retryPolicy = { attempts: 3, backoffMs: 100, capMs: 400 }
const timeoutMs = 600

const shapes = [
  { name: "ingest", topic: topics.in, concurrency: 6, hands: true, blocks: false, priority: "medium" },
  { name: "deliver", topic: topics.mid, concurrency: 4, hands: false, blocks: true, priority: "high" },
  { name: "audit", topic: topics.mid, concurrency: 4, hands: false, blocks: false, priority: "low" }
] as const

/** The actors as `process` runs them. */
export const actorsOf = (process: Process, outside: Outside): ReadonlyArray<Actor.Actor> =>
  shapes.map(({ name, topic, concurrency, hands, blocks, priority }) =>
    Actor.make({
      name,
      topic,
      handler: handlerOf(name, process, outside, hands),
      retry: { ...retryPolicy, onExhausted: blocks ? "block" : "skip" },
      timeoutMs,
      concurrency,
      priority
    })
  )

/** What the checker must know of them. */
export const queueFacts = shapes.map(({ name, topic, concurrency, blocks }) => ({
  name,
  topic: topic.name,
  ...retryPolicy,
  timeoutMs,
  concurrency,
  blocks
}))
