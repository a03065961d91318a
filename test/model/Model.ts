/**
 * A naive model of tasks: lists per queue and user, and what an operator asked
 * for. It knows no time: `run` plays everything that can go on to its end, so
 * the model says how things stand when all is quiet.
 */
import { outputIdOf, taskIdOf } from "../../src/domain/ids.ts"
import type { TaskState } from "../../src/domain/TaskState.ts"
import { isFinal } from "../../src/domain/TaskState.ts"
import { attempts } from "./job.ts"
import type { Plan } from "./job.ts"

export type QueueName = "job" | "follow"

export interface ModelTask {
  readonly id: string
  readonly event: string
  readonly queue: QueueName
  readonly user: string
  readonly plan: Plan
  state: TaskState
  /** Attempts when it has ended; null where it is not said. */
  attempt: number | null
  wasRetried: boolean
}

export interface Model {
  readonly tasks: Map<string, ModelTask>
  /** Task ids by queue and user, in the order in which they are to run. */
  readonly boxes: Map<string, Array<string>>
  readonly pausedQueues: Set<QueueName>
  readonly pausedUsers: Set<string>
}

export const makeModel = (): Model => ({
  tasks: new Map(),
  boxes: new Map(),
  pausedQueues: new Set(),
  pausedUsers: new Set()
})

export const copyOf = (model: Model): Model => ({
  tasks: new Map([...model.tasks].map(([id, task]) => [id, { ...task }])),
  boxes: new Map([...model.boxes].map(([box, ids]) => [box, [...ids]])),
  pausedQueues: new Set(model.pausedQueues),
  pausedUsers: new Set(model.pausedUsers)
})

const boxOf = (queue: QueueName, user: string): string => `${queue} ${user}`

const add = (model: Model, task: ModelTask): void => {
  if (model.tasks.has(task.id)) return
  model.tasks.set(task.id, task)
  const box = boxOf(task.queue, task.user)
  model.boxes.set(box, [...(model.boxes.get(box) ?? []), task.id])
}

const fresh = { state: "queued", attempt: 0, wasRetried: false } as const

/** An event was accepted. */
export const post = (model: Model, event: string, user: string, plan: Plan): void =>
  add(model, { id: taskIdOf("job", event), event, queue: "job", user, plan, ...fresh })

const ends: Readonly<Record<Plan, readonly [TaskState, number]>> = {
  succeed: ["succeeded", 1],
  recover: ["succeeded", 2],
  exhaust: ["failed", attempts],
  refuse: ["failed", 1],
  hand: ["succeeded", 1],
  garble: ["succeeded", 1],
  slow: ["in_progress", 1]
}

const handOn = (model: Model, { id, event, user, plan }: ModelTask): void =>
  add(model, { id: taskIdOf("follow", outputIdOf(id, 0)), event, queue: "follow", user, plan, ...fresh })

const finish = (model: Model, task: ModelTask): void => {
  const [state, attempt]: readonly [TaskState, number | null] =
    task.queue === "job"
      ? ends[task.plan]
      : task.plan === "garble"
        ? (["invalid", 1] as const)
        : (["succeeded", 1] as const)
  task.state = state
  task.attempt = attempt
  if (task.queue === "job" && (task.plan === "hand" || task.plan === "garble")) handOn(model, task)
}

/** A task was seen to have ended by itself. */
export const endAs = finish

/** Whether a task may not start. */
export const isHeld = (model: Model, { queue, user }: ModelTask): boolean =>
  model.pausedQueues.has(queue) || model.pausedUsers.has(user)

/** Plays everything to where it stands still. */
export const run = (model: Model): Model => {
  for (const queue of ["job", "follow"] as const) {
    for (const [box, ids] of model.boxes) {
      if (!box.startsWith(`${queue} `)) continue
      for (const id of ids) {
        const task = model.tasks.get(id)!
        if (isFinal(task.state)) continue
        if (task.state === "in_progress" || isHeld(model, task)) break
        finish(model, task)
        if (!isFinal(task.state)) break
      }
    }
  }
  return model
}

/** A task was cancelled; what of it had run is not said. */
export const cancel = (task: ModelTask): void => {
  task.state = "cancelled"
  task.attempt = null
}

/** A task that ended badly runs again, after what its user has waiting. */
export const retry = (model: Model, task: ModelTask): void => {
  const box = boxOf(task.queue, task.user)
  model.boxes.set(box, [...model.boxes.get(box)!.filter((id) => id !== task.id), task.id])
  task.state = "queued"
  task.attempt = 0
  task.wasRetried = true
}

export const tasksOf = (model: Model, event: string): ReadonlyArray<ModelTask> =>
  [...model.tasks.values()].filter((task) => task.event === event)

/** How the flow of an event stands; null where it may be shown as either of two. */
export const flowOf = (model: Model, event: string): string | null => {
  const states = tasksOf(model, event).map(({ state }) => state)
  if (!states.every(isFinal)) return null
  if (states.some((state) => state === "failed" || state === "invalid")) return "failed"
  return states.includes("cancelled") ? "cancelled" : "succeeded"
}
