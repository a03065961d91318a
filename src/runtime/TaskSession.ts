/**
 * What the runtime does when a handler asks it for something. A step's result is in
 * the journal before the handler goes on, so a repeat of the task gets it back
 * instead of doing it again; state is read from the journal and written with
 * the success of the task, in the same transaction.
 */
import type { Clock } from "effect"
import { Effect } from "effect"

import { storedNameOf } from "../domain/StoredName.ts"
import type { Journal } from "../journal/Journal.ts"
import type { Flush } from "./Flush.ts"
import type { LiveTask } from "./Lane.ts"
import type { TaskContext } from "./TaskContext.ts"
import { untilItAnswers } from "./untilItAnswers.ts"

export interface TaskSession {
  readonly context: TaskContext
  /** State changes to be written if the task succeeds; null removes. */
  readonly changes: Map<string, string | null>
}

const longestText = 10_000

/** Text that Postgres can hold: no NUL, and not endless. */
export const storable = (text: string): string => text.slice(0, longestText).replaceAll("\0", "\uFFFD")

export interface ContextParts {
  readonly journal: Journal["Service"]
  readonly flush: Flush
  readonly clock: Clock.Clock
}

/** The context of one attempt. */
export const makeSession = (parts: ContextParts, task: LiveTask): TaskSession => {
  const { journal, flush, clock } = parts
  const { ownership, box } = task
  const queue = ownership.lane.actor.name
  const changes = new Map<string, string | null>()
  let steps: Map<string, string> | undefined
  let states: ReadonlyMap<string, string> | undefined

  const step = <A, E, R>(given: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.gen(function* () {
      const name = storedNameOf(given)
      steps ??= new Map(yield* untilItAnswers(journal.steps(task.id)))
      const stored = steps.get(name)
      if (stored !== undefined) return JSON.parse(stored) as A
      const value = yield* effect
      const result = JSON.stringify(value ?? null) ?? "null"
      steps.set(name, result)
      flush.item(ownership, {
        kind: "step",
        row: { task: task.id, name, result, at: clock.currentTimeMillisUnsafe() }
      })
      yield* flush.barrier
      // What a repeat will see is what this attempt sees: the value after its way through JSON.
      return JSON.parse(result) as A
    })

  const readStates = Effect.suspend(() => {
    if (states !== undefined || box.keyBytes === null) return Effect.succeed((states ??= new Map()))
    // What the task before wrote must be in the journal before it is read there.
    const read = Effect.andThen(flush.barrier, untilItAnswers(journal.states(queue, box.keyBytes)))
    return Effect.map(read, (found) => (states = found))
  })

  return {
    changes,
    context: {
      id: task.id,
      queue,
      user: box.user ?? "",
      type: task.type,
      flow: task.flow,
      attempt: task.attempt,
      headers: task.record?.headers ?? {},
      queuedAt: task.queuedAt,
      partition: ownership.partition,
      offset: task.offset,
      epoch: ownership.epoch,
      step,
      log: (message) =>
        Effect.sync(() => {
          const at = clock.currentTimeMillisUnsafe()
          const seq = at * 1000 + (task.logSeq++ % 1000)
          flush.item(ownership, {
            kind: "log",
            row: { task: task.id, seq, at, level: "info", message: storable(message) }
          })
        }),
      progress: (value) =>
        Effect.sync(() => {
          task.progress = JSON.stringify(value ?? null)
          flush.task(task)
        }),
      getState: <A>(name: string) =>
        Effect.map(readStates, (read) => {
          const stored = storedNameOf(name)
          const value = changes.has(stored) ? changes.get(stored) : read.get(stored)
          return value === undefined || value === null ? undefined : (JSON.parse(value) as A)
        }),
      setState: (name, value) =>
        Effect.sync(() => {
          changes.set(storedNameOf(name), value === undefined ? null : (JSON.stringify(value) ?? null))
        })
    }
  }
}
