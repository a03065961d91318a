/** How a task in memory is made of a record or of a row, and the row it should have. */
import type { Priority } from "../domain/Outcome.ts"
import type { Task, TaskRecord } from "../domain/Task.ts"
import { isFinal } from "../domain/TaskState.ts"
import type { LiveTask, Ownership } from "./Lane.ts"
import type { Mailbox } from "./Mailboxes.ts"

const fresh = {
  announced: 0,
  spilled: false,
  written: false,
  outbox: null,
  stop: null,
  fiber: null,
  deadline: 0,
  logSeq: 0
}

/** A task that was just read from its topic. */
export const fromRecord = (of: {
  readonly id: string
  readonly offset: number
  readonly type: string
  readonly flow: string | null
  readonly priority: Priority
  readonly queuedAt: number
  readonly record: TaskRecord
  readonly ownership: Ownership
  readonly box: Mailbox<LiveTask>
  readonly loadedAt: number
}): LiveTask => ({
  id: of.id,
  offset: of.offset,
  type: of.type,
  flow: of.flow,
  priority: of.priority,
  queuedAt: of.queuedAt,
  ownership: of.ownership,
  box: of.box,
  record: of.record,
  fromRow: false,
  looks: of.ownership.lane.looks,
  loadedAt: of.loadedAt,
  state: "queued",
  attempt: 0,
  crashes: 0,
  emitted: 0,
  startedAt: null,
  endedAt: null,
  notBefore: null,
  reason: null,
  result: null,
  progress: null,
  written: false,
  announced: 0,
  spilled: false,
  // One shape for all tasks of a process, spelled out because this runs for every record.
  outbox: null,
  stop: null,
  fiber: null,
  deadline: 0,
  logSeq: 0
})

/** A task that the journal kept. One that was running when its worker died has crashed it once more. */
export const fromJournal = (
  task: Task,
  ownership: Ownership,
  box: Mailbox<LiveTask>,
  loadedAt: number,
  crashed: boolean
): LiveTask => ({
  ...fresh,
  id: task.id,
  offset: task.offset,
  type: task.type,
  flow: task.flow,
  priority: task.priority,
  queuedAt: task.queuedAt,
  ownership,
  box,
  record: task.record,
  fromRow: true,
  looks: ownership.lane.looks,
  loadedAt,
  state: "queued",
  // The attempt that was cut off did not end: it is not counted against the policy.
  attempt: task.state === "in_progress" ? Math.max(0, task.attempt - 1) : task.attempt,
  crashes: task.crashes + (crashed && task.state === "in_progress" ? 1 : 0),
  // What an end before this life has called for is still to come.
  emitted: task.emitted,
  startedAt: null,
  endedAt: null,
  notBefore: task.notBefore,
  reason: task.reason,
  result: null,
  progress: task.progress,
  written: true
})

/** The row as it should stand now. A success keeps no bytes: the topic has them as long as it keeps them. */
export const rowOf = (task: LiveTask): Task => ({
  id: task.id,
  queue: task.ownership.lane.actor.name,
  partition: task.ownership.partition,
  offset: task.offset,
  user: task.box.user,
  type: task.type,
  flow: task.flow,
  priority: task.priority,
  state: task.state,
  attempt: task.attempt,
  crashes: task.crashes,
  emitted: task.emitted,
  queuedAt: task.queuedAt,
  startedAt: task.startedAt,
  endedAt: task.endedAt,
  notBefore: isFinal(task.state) ? null : task.notBefore,
  reason: task.reason,
  result: task.result,
  progress: task.progress,
  record: task.state === "succeeded" ? null : task.record
})
