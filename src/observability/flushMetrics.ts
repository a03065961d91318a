/**
 * What became of tasks, counted as it is journalled: a task that a crash
 * repeats is counted when its end is on disk, not when it ran.
 */
import { Effect, Metric } from "effect"
import type { Context } from "effect"
import { isFinal } from "../domain/TaskState.ts"
import type { TaskState } from "../domain/TaskState.ts"

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]

const ended = Metric.counter("tasks_ended_total", {
  description: "Tasks that ended, by queue and outcome",
  incremental: true
})
const attempts = Metric.counter("attempts_total", {
  description: "Attempts that ended, by queue and outcome",
  incremental: true
})
const duration = Metric.histogram("task_duration_seconds", {
  description: "Time the last attempt of an ended task took",
  boundaries: seconds
})
const wait = Metric.histogram("task_wait_seconds", {
  description: "Time from a record's append to the start of its task's last attempt",
  boundaries: seconds
})
const flushTasks = Metric.histogram("flush_tasks", {
  description: "Tasks written by one flush",
  boundaries: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000]
})
const flushDuration = Metric.histogram("flush_duration_seconds", {
  description: "Time one flush took, its transaction included",
  boundaries: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]
})
const flushFailures = Metric.counter("flush_failures_total", {
  description: "Flushes that failed; they are tried again",
  incremental: true
})

/** What a flush wrote, as far as it is counted. */
export interface Flushed {
  readonly tasks: ReadonlyArray<{
    readonly id: string
    readonly queue: string
    readonly state: TaskState
    readonly queuedAt: number
    readonly startedAt: number | null
    readonly endedAt: number | null
  }>
  readonly attempts: ReadonlyArray<{ readonly task: string; readonly outcome: string }>
}

interface OfQueue {
  readonly duration: typeof duration
  readonly wait: typeof wait
  readonly ended: Map<string, typeof ended>
  readonly attempts: Map<string, typeof attempts>
}

// Metrics with attributes are looked up by hashing: done once per queue and outcome, not per task.
const byQueue = new Map<string, OfQueue>()

const ofQueue = (queue: string): OfQueue => {
  let known = byQueue.get(queue)
  if (known === undefined) {
    known = {
      duration: Metric.withAttributes(duration, { queue }),
      wait: Metric.withAttributes(wait, { queue }),
      ended: new Map(),
      attempts: new Map()
    }
    byQueue.set(queue, known)
  }
  return known
}

const withOutcome = <M extends typeof ended>(known: Map<string, M>, metric: M, queue: string, outcome: string): M => {
  let found = known.get(outcome)
  if (found === undefined) {
    found = Metric.withAttributes(metric, { queue, outcome }) as M
    known.set(outcome, found)
  }
  return found
}

/** Counts a flush that was written, which took `ms`. */
export const countFlush = (written: Flushed, ms: number): Effect.Effect<void> =>
  Effect.contextWith((context: Context.Context<never>) =>
    Effect.sync(() => {
      flushTasks.updateUnsafe(written.tasks.length, context)
      flushDuration.updateUnsafe(ms / 1000, context)
      const queues = new Map<string, string>()
      for (const task of written.tasks) {
        if (written.attempts.length > 0) queues.set(task.id, task.queue)
        if (!isFinal(task.state)) continue
        const of = ofQueue(task.queue)
        withOutcome(of.ended, ended, task.queue, task.state).updateUnsafe(1, context)
        if (task.startedAt === null) continue
        of.wait.updateUnsafe((task.startedAt - task.queuedAt) / 1000, context)
        if (task.endedAt !== null) of.duration.updateUnsafe((task.endedAt - task.startedAt) / 1000, context)
        if (task.state === "succeeded") {
          withOutcome(of.attempts, attempts, task.queue, "succeeded").updateUnsafe(1, context)
        }
      }
      for (const { task, outcome } of written.attempts) {
        const queue = queues.get(task)
        if (queue !== undefined) withOutcome(ofQueue(queue).attempts, attempts, queue, outcome).updateUnsafe(1, context)
      }
    })
  )

/** Counts a flush that failed. */
export const countFlushFailure: Effect.Effect<void> = Metric.update(flushFailures, 1)
