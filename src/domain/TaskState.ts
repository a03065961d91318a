/**
 * The life of a task.
 *
 *     (record read) ──► queued ──► in_progress ──► succeeded | failed | cancelled
 *                         ▲             │
 *                         └── retry ────┘      queued again, attempt > 0, not_before set
 *     (record unreadable) ──► invalid
 *
 * | from        | event     | to          |
 * |-------------|-----------|-------------|
 * | queued      | start     | in_progress |
 * | queued      | cancel    | cancelled   |
 * | in_progress | succeed   | succeeded   |
 * | in_progress | fail      | failed      |
 * | in_progress | cancel    | cancelled   |
 * | in_progress | retry     | queued      |
 * | in_progress | requeue   | queued      |
 * | failed, cancelled, invalid | redrive | queued |
 *
 * Anything else is refused: a final state is left only by an operator's redrive.
 */

/** Every state a task can be in, in the order of its life. */
export const taskStates = ["queued", "in_progress", "succeeded", "failed", "cancelled", "invalid"] as const

export type TaskState = (typeof taskStates)[number]

export type TaskEvent = "start" | "succeed" | "fail" | "cancel" | "retry" | "requeue" | "redrive"

const table: Readonly<Record<TaskState, Partial<Record<TaskEvent, TaskState>>>> = {
  queued: { start: "in_progress", cancel: "cancelled" },
  in_progress: { succeed: "succeeded", fail: "failed", cancel: "cancelled", retry: "queued", requeue: "queued" },
  succeeded: {},
  failed: { redrive: "queued" },
  cancelled: { redrive: "queued" },
  invalid: { redrive: "queued" }
}

/** The state after `event`, or undefined where the table above has no such row. */
export const transition = (state: TaskState, event: TaskEvent): TaskState | undefined => table[state][event]

/** Whether the task has ended: nothing but a redrive can move it again. */
export const isFinal = (state: TaskState): boolean => state !== "queued" && state !== "in_progress"

/** The name Celery's users know, shown beside ours. */
export const celeryName = (state: TaskState, attempt: number): string => {
  switch (state) {
    case "queued":
      return attempt > 0 ? "RETRY" : "PENDING"
    case "in_progress":
      return "STARTED"
    case "succeeded":
      return "SUCCESS"
    case "cancelled":
      return "REVOKED"
    case "failed":
    case "invalid":
      return "FAILURE"
  }
}
