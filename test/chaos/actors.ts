/**
 * The actors under the drill. `tally` keeps, per user, how many steps it has
 * seen, their sum and the last one, in state that must change exactly once per
 * step; it hands every step on to `mirror`, which keeps the same of what
 * arrives. Now and then an attempt fails on purpose. Some steps of wanderers
 * fail for good, until an operator opens their gate and retries them.
 */
import { monotonicMs } from "../../bench/support/clock.ts"
import { Effect, Schema } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { done, fail, retry } from "../../src/domain/Outcome.ts"
import * as Actor from "../../src/runtime/Actor.ts"
import type { TaskContext } from "../../src/runtime/TaskContext.ts"
import * as Topic from "../../src/topics/Topic.ts"

/** The `seq`-th step of a user. */
export const Step = Schema.Struct({ user: Schema.String, seq: Schema.Finite })
export type Step = typeof Step.Type

export const steps = Topic.make({
  name: "chaos.steps",
  type: "chaos.step",
  description: "Steps. Key: user.",
  value: Step
})
export const marks = Topic.make({
  name: "chaos.marks",
  type: "chaos.mark",
  description: "Steps that were counted. Key: user.",
  value: Step
})

/** Users whose tasks are cancelled and retried; how long theirs take, ms, is enough to be cancelled while they run. */
const isWanderer = (user: string): boolean => user.startsWith("wanderer-")
const wanderMs = 300

/** Whether a step fails until its gate is open. */
const isGated = ({ user, seq }: Step): boolean => isWanderer(user) && seq % 23 === 22

/** The file that opens the gate of a step. */
export const gateOf = (records: string, user: string, seq: number): string => path.join(records, `open-${user}-${seq}`)

const count = ({ user, seq }: Step, task: TaskContext) =>
  Effect.gen(function* () {
    const before = (yield* task.getState<number>("count")) ?? 0
    const sum = (yield* task.getState<number>("sum")) ?? 0
    const last = (yield* task.getState<number>("last")) ?? -1
    if (seq !== last + 1) yield* task.setState(`broken at ${seq}`, { last, user })
    yield* task.setState("count", before + 1)
    yield* task.setState("sum", sum + seq)
    yield* task.setState("last", seq)
  })

/** Both actors; starts and ends of `tally` go to `attempts.log`, one line each, before anything else happens. */
export const chaosActors = (records: string) => {
  const fd = fs.openSync(path.join(records, "attempts.log"), "a")
  const log = (kind: string, { user, seq }: Step) =>
    fs.writeSync(fd, `${kind} ${user} ${seq} ${monotonicMs().toFixed(3)} ${process.pid}\n`)
  const tally = Actor.make({
    name: "tally",
    topic: steps,
    concurrency: 200,
    retry: { attempts: 5, backoffMs: 20, capMs: 50 },
    handler: (step, task) =>
      Effect.gen(function* () {
        log("S", step)
        yield* count(step, task)
        yield* Effect.sleep(isWanderer(step.user) ? (step.seq * 37) % wanderMs : (step.seq * 7) % 16)
        if (step.seq % 17 === 16 && task.attempt === 1) {
          log("E", step)
          return retry("a failure on purpose", 20)
        }
        if (isGated(step) && !fs.existsSync(gateOf(records, step.user, step.seq))) {
          log("E", step)
          return fail(`the gate is shut: ${step.user} ${step.seq}`)
        }
        const mark = yield* Topic.output(marks, step.user, step)
        log("E", step)
        return done({ seq: step.seq }, [mark])
      })
  })
  const mirror = Actor.make({
    name: "mirror",
    topic: marks,
    concurrency: 200,
    handler: (step, task) => Effect.as(count(step, task), { seq: step.seq })
  })
  return [tally, mirror]
}
