/** Queues whose tasks end as their event says, and what an observer in their handlers saw of the order. */
import { Effect, Schema } from "effect"
import { done, fail } from "../../src/domain/Outcome.ts"
import * as Actor from "../../src/runtime/Actor.ts"
import type { TaskContext } from "../../src/runtime/TaskContext.ts"
import * as Topic from "../../src/topics/Topic.ts"

/** How a task goes: `hand` gives a task to the next queue, `garble` one that cannot be read, `slow` ends by its cancel. */
export const plans = ["succeed", "recover", "exhaust", "refuse", "hand", "garble", "slow"] as const
export type Plan = (typeof plans)[number]

const jobs = Topic.make({
  name: "jobs",
  type: "job",
  description: "Something to do. Key: user.",
  value: Schema.Struct({ plan: Schema.Literals(plans) })
})

const follows = Topic.make({
  name: "follows",
  type: "follow",
  description: "What comes after a job. Key: user.",
  value: Schema.Struct({ after: Schema.String })
})

export const attempts = 3

/** Task ids in the order in which their first attempts started, by queue and user; and what must not have been. */
export interface Observer {
  readonly started: Map<string, Array<string>>
  readonly violations: Array<string>
}

/** The two actors and their observer. */
export const makeJobs = () => {
  const observer: Observer = { started: new Map(), violations: [] }
  const running = new Map<string, string>()

  const observed = <A, E>(task: TaskContext, effect: Effect.Effect<A, E>) => {
    const box = `${task.queue} ${task.user}`
    return Effect.suspend(() => {
      const other = running.get(box)
      if (other !== undefined) observer.violations.push(`${task.id} started while ${other} ran for ${box}`)
      running.set(box, task.id)
      if (task.attempt === 1) observer.started.set(box, [...(observer.started.get(box) ?? []), task.id])
      return effect
    }).pipe(Effect.ensuring(Effect.sync(() => running.delete(box))))
  }

  const handed = (task: TaskContext, value: Uint8Array) =>
    done({ after: task.id }, [{ topic: follows.name, key: Topic.keyOfUser(task.user), value, type: follows.type }])

  const run = (plan: Plan, task: TaskContext): Effect.Effect<unknown, string> => {
    switch (plan) {
      case "succeed":
        return Effect.succeed({ plan })
      case "recover":
        return task.attempt === 1 ? Effect.fail("not yet") : Effect.succeed({ plan })
      case "exhaust":
        return Effect.fail("never")
      case "refuse":
        return Effect.succeed(fail("refused"))
      case "hand":
        return Effect.map(Topic.encodeValue(follows, { after: task.id }), (bytes) => handed(task, bytes))
      case "garble":
        return Effect.succeed(handed(task, new TextEncoder().encode("{")))
      case "slow":
        return Effect.never
    }
  }

  const retry = { attempts, backoffMs: 5, capMs: 10 }
  return {
    observer,
    actors: [
      Actor.make({
        name: "job",
        topic: jobs,
        handler: ({ plan }, task) => observed(task, run(plan, task)),
        retry,
        timeoutMs: 3_600_000
      }),
      Actor.make({
        name: "follow",
        topic: follows,
        handler: (value, task) => observed(task, Effect.succeed(value)),
        retry
      })
    ]
  }
}
