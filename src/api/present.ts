/** From what the journal holds to what the API shows. Results and progress are JSON and stay JSON. */
import type { Task } from "../domain/Task.ts"
import { celeryName, isFinal } from "../domain/TaskState.ts"
import type { StoredEvent } from "../journal/sql/EventHistory.ts"
import type { TaskHistory } from "../journal/sql/History.ts"
import type { CheckedEvent } from "../journal/EventIntake.ts"
import type { EventView, FlowStatus, Receipt, TaskDetail, TaskView } from "./Views.ts"

/** RFC 3339. */
export const timeOf = (ms: number): string => new Date(ms).toISOString()

const timeOrNull = (ms: number | null): string | null => (ms === null ? null : timeOf(ms))

const jsonOf = (text: string | null): unknown => (text === null ? null : (JSON.parse(text) as unknown))

/** JSON of a record's value, or its text where it is none. */
const valueOf = (bytes: Uint8Array | null | undefined): unknown => {
  if (bytes === null || bytes === undefined) return null
  const text = new TextDecoder().decode(bytes)
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** What the caller of an accepted event is told. */
export const receiptOf = (event: CheckedEvent): Receipt => ({
  eventId: event.id,
  taskId: event.task,
  status: "queued"
})

export const viewOf = (task: Task): TaskView => ({
  id: task.id,
  queue: task.queue,
  user: task.user,
  type: task.type,
  flow: task.flow,
  status: task.state,
  celeryStatus: celeryName(task.state, task.attempt),
  attempt: task.attempt,
  priority: task.priority,
  partition: task.partition,
  offset: task.offset,
  queuedAt: timeOf(task.queuedAt),
  startedAt: timeOrNull(task.startedAt),
  endedAt: timeOrNull(task.endedAt),
  notBefore: timeOrNull(task.notBefore),
  reason: task.reason,
  result: jsonOf(task.result),
  progress: jsonOf(task.progress)
})

/** Why a task does not run, in one sentence: the first of the reasons that holds. */
export const whyOf = (history: TaskHistory, now: number): string | null => {
  const { task } = history
  if (isFinal(task.state) || task.state === "in_progress") return null
  if (history.off !== null) return `its queue is off: ${history.off}`
  if (history.queuePaused) return `queue ${task.queue} is paused`
  if (history.userPaused) return `user ${task.user} is paused`
  if (task.notBefore !== null && task.notBefore > now) {
    return `waits until ${timeOf(task.notBefore)}${task.reason === null ? "" : `: ${task.reason}`}`
  }
  if (history.behind !== null) return `is behind task ${history.behind} of the same user`
  return `waits for a free slot of queue ${task.queue}`
}

export const detailOf = (history: TaskHistory, event: StoredEvent | null, now: number): TaskDetail => ({
  ...viewOf(history.task),
  why: whyOf(history, now),
  data: event === null ? valueOf(history.task.record?.value) : jsonOf(event.data),
  attempts: history.attempts.map((attempt) => ({
    ...attempt,
    startedAt: timeOf(attempt.startedAt),
    endedAt: timeOf(attempt.endedAt),
    detail: jsonOf(attempt.detail)
  })),
  steps: history.steps.map((step) => ({ name: step.name, result: jsonOf(step.result), at: timeOf(step.at) })),
  log: history.log.map((line) => ({ ...line, at: timeOf(line.at) }))
})

/** How a queue and a user stand, for a task that no worker has read. */
export interface Standing {
  readonly off: string | null
  readonly queuePaused: boolean
  readonly userPaused: boolean
  readonly isCancelled: boolean
}

const whyUnread = (event: StoredEvent, standing: Standing): string => {
  if (standing.isCancelled) return "will be cancelled as soon as a worker reads it"
  if (event.startsAt !== null) return `starts at ${timeOf(event.startsAt)}`
  if (standing.off !== null) return `its queue is off: ${standing.off}`
  if (standing.queuePaused) return `queue ${event.queue} is paused`
  if (standing.userPaused) return `user ${event.user} is paused`
  return "no worker has read it yet"
}

/** A task that no worker has read yet: all that is known of it is its event. */
export const unreadOf = (event: StoredEvent, standing: Standing): TaskDetail => ({
  id: event.task,
  queue: event.queue,
  user: event.user,
  type: event.type,
  flow: event.id,
  status: "queued",
  celeryStatus: celeryName("queued", 0),
  attempt: 0,
  priority: "medium",
  partition: -1,
  offset: -1,
  queuedAt: timeOf(event.at),
  startedAt: null,
  endedAt: null,
  notBefore: timeOrNull(event.startsAt),
  reason: null,
  result: null,
  progress: null,
  why: whyUnread(event, standing),
  data: jsonOf(event.data),
  attempts: [],
  steps: [],
  log: []
})

export const eventViewOf = (event: StoredEvent, tasks: ReadonlyArray<Task>, status: FlowStatus): EventView => {
  const context: Record<string, Array<unknown>> = {}
  const inOrder = tasks.toSorted(
    (a, b) => (a.endedAt ?? Number.MAX_SAFE_INTEGER) - (b.endedAt ?? Number.MAX_SAFE_INTEGER)
  )
  for (const task of inOrder) {
    if (task.state !== "succeeded") continue
    ;(context[task.queue] ??= []).push(jsonOf(task.result))
  }
  return {
    id: event.id,
    type: event.type,
    user: event.user,
    data: jsonOf(event.data),
    at: timeOf(event.at),
    startsAt: timeOrNull(event.startsAt),
    status,
    flow: tasks.map(viewOf),
    context
  }
}
