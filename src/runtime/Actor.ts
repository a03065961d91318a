/**
 * A stage of the work: which topic it reads, what it does with a record, and
 * how it is retried, timed and limited. An actor is a consumer group with one
 * mailbox per key; the API and the panel call it a queue.
 */
import type { Effect } from "effect"
import type { Outcome } from "../domain/Outcome.ts"
import type { RetryPolicy } from "../domain/RetryPolicy.ts"
import type { Topic } from "../topics/Topic.ts"
import { defaultPolicy } from "./Policy.ts"
import type { Policy } from "./Policy.ts"
import type { TaskContext } from "./TaskContext.ts"

export interface Actor<R = never> {
  readonly name: string
  readonly topic: Topic<any>
  /** What it answers is an Outcome, or anything else as the result of a `Done`. A failure is retried unless it says `isRetryable: false`. */
  readonly handler: (value: any, task: TaskContext) => Effect.Effect<unknown, unknown, R>
  readonly policy: Policy
  /** Why it does not run here, where that is so. */
  readonly off: string | null
}

export interface ActorOptions<A, E, R> {
  /** Lower-case words with hyphens; the queue's name and the consumer group's. */
  readonly name: string
  readonly topic: Topic<A>
  readonly handler: (value: A, task: TaskContext) => Effect.Effect<Outcome | unknown, E, R>
  /** Attempts, backoff, and what the key does after the last; each has a default. */
  readonly retry?: Partial<RetryPolicy>
  /** How long an attempt may take, ms (60,000). */
  readonly timeoutMs?: number
  /** Most tasks that run at a time in one process (100). */
  readonly concurrency?: number
  /** Most starts per time in one process. */
  readonly rate?: { readonly count: number; readonly perMs: number }
  readonly priority?: Policy["priority"]
  readonly off?: string | null
}

/** Defines an actor. */
export const make = <A, E, R>(options: ActorOptions<A, E, R>): Actor<R> => ({
  name: options.name,
  topic: options.topic,
  handler: options.handler,
  policy: {
    concurrency: options.concurrency ?? defaultPolicy.concurrency,
    retry: { ...defaultPolicy.retry, ...options.retry },
    timeoutMs: options.timeoutMs ?? defaultPolicy.timeoutMs,
    rate: options.rate ?? null,
    priority: options.priority ?? defaultPolicy.priority
  },
  off: options.off ?? null
})
