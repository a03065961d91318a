/**
 * The life of a task.
 *
 *     (record read) ──► queued ──► in_progress ──► succeeded | failed | cancelled | invalid
 *                         ▲             │
 *                         └─────────────┘
 *
 * | from                       | to                           | when                                             |
 * |----------------------------|------------------------------|--------------------------------------------------|
 * | queued                     | in_progress                  | its turn has come                                |
 * | queued                     | cancelled                    | an operator wants it, before it has begun        |
 * | in_progress                | succeeded, failed, cancelled | its attempt has ended, or was made to            |
 * | in_progress                | invalid                      | its record cannot be read                        |
 * | in_progress                | queued                       | it is tried again later, or by its next owner    |
 * | failed, cancelled, invalid | queued                       | an operator has it tried again                   |
 *
 * There is no other way. The journal keeps a state that is final, whoever writes another.
 */

/** Every state a task can be in, in the order of its life. */
export const taskStates = ["queued", "in_progress", "succeeded", "failed", "cancelled", "invalid"] as const

export type TaskState = (typeof taskStates)[number]

/** Whether the task has ended: nothing but a retry by an operator can move it again. */
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
