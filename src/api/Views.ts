/** Shapes of the API's answers. Times are RFC 3339 in UTC. */
import { Schema } from "effect"
import { taskStates } from "../domain/TaskState.ts"

const time = Schema.String.annotate({ format: "date-time" })

export const TaskStatus = Schema.Literals(taskStates)

export const TaskView = Schema.Struct({
  id: Schema.String,
  queue: Schema.String,
  user: Schema.NullOr(Schema.String),
  type: Schema.String,
  flow: Schema.NullOr(Schema.String),
  status: TaskStatus,
  /** The same in Celery's words. */
  celeryStatus: Schema.String,
  attempt: Schema.Int,
  priority: Schema.String,
  partition: Schema.Int,
  offset: Schema.Finite,
  queuedAt: time,
  startedAt: Schema.NullOr(time),
  endedAt: Schema.NullOr(time),
  notBefore: Schema.NullOr(time),
  reason: Schema.NullOr(Schema.String),
  result: Schema.Unknown,
  progress: Schema.Unknown
})
export type TaskView = typeof TaskView.Type

export const TaskDetail = Schema.Struct({
  ...TaskView.fields,
  /** Why it does not run now, in one sentence; null when it runs or has ended. */
  why: Schema.NullOr(Schema.String),
  data: Schema.Unknown,
  attempts: Schema.Array(
    Schema.Struct({
      number: Schema.Int,
      startedAt: time,
      endedAt: time,
      outcome: Schema.String,
      reason: Schema.NullOr(Schema.String),
      detail: Schema.Unknown
    })
  ),
  steps: Schema.Array(Schema.Struct({ name: Schema.String, result: Schema.Unknown, at: time })),
  log: Schema.Array(Schema.Struct({ at: time, level: Schema.String, message: Schema.String }))
})
export type TaskDetail = typeof TaskDetail.Type

export const TaskPage = Schema.Struct({
  tasks: Schema.Array(TaskView),
  /** Hand it back as `cursor` for the next page; null on the last. */
  next: Schema.NullOr(Schema.String)
})

export const Receipt = Schema.Struct({
  eventId: Schema.String,
  taskId: Schema.String,
  status: TaskStatus
})
export type Receipt = typeof Receipt.Type

export const FlowStatus = Schema.Literals(["queued", "in_progress", "succeeded", "failed", "cancelled"])
export type FlowStatus = typeof FlowStatus.Type

export const EventView = Schema.Struct({
  id: Schema.String,
  type: Schema.String,
  user: Schema.String,
  data: Schema.Unknown,
  at: time,
  startsAt: Schema.NullOr(time),
  /** `queued` (no task has started), `in_progress`, `succeeded`, `failed` when a task of it failed, else `cancelled`. */
  status: FlowStatus,
  flow: Schema.Array(TaskView),
  /** Results of the finished tasks by queue, in order. */
  context: Schema.Record(Schema.String, Schema.Array(Schema.Unknown))
})
export type EventView = typeof EventView.Type

export const QueueView = Schema.Struct({
  name: Schema.String,
  topic: Schema.String,
  priority: Schema.String,
  off: Schema.NullOr(Schema.String),
  paused: Schema.Boolean,
  partitions: Schema.Int,
  owners: Schema.Int,
  unread: Schema.Int,
  queued: Schema.Int,
  running: Schema.Int,
  failed: Schema.Int
})

export const MailboxView = Schema.Struct({
  user: Schema.String,
  paused: Schema.Boolean,
  blockedQueues: Schema.Array(Schema.String),
  tasks: Schema.Array(TaskView)
})

/** What an operation on a task led to. */
export const TaskAnswer = Schema.Struct({
  taskId: Schema.String,
  status: TaskStatus,
  was: TaskStatus,
  message: Schema.String
})

/** What cancelling a flow led to: how many of its tasks were cancelled, and how many had ended before. */
export const FlowAnswer = Schema.Struct({
  eventId: Schema.String,
  status: FlowStatus,
  cancelled: Schema.Int,
  ended: Schema.Int,
  message: Schema.String
})
