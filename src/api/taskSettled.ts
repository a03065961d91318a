/** What has become of a task, also of one that nobody has written down yet; and what becomes of one that is cancelled. */
import { Clock, Duration, Effect } from "effect"
import { isUuid } from "../domain/ids.ts"
import { isFinal } from "../domain/TaskState.ts"
import { Journal } from "../journal/Journal.ts"
import { readEvent } from "../journal/sql/EventHistory.ts"

/** The state of a task, also of one that no worker has read; undefined where there is no such task. */
export const stateOf = Effect.fnUntraced(function* (id: string) {
  if (!isUuid(id)) return undefined
  const journal = yield* Journal
  const task = yield* journal.task(id)
  if (task !== null) return task.state
  return (yield* readEvent({ task: id })) === null ? undefined : ("queued" as const)
})

/** How long the answer to a cancel waits for the task's owner to say what became of it. */
const patienceMs = 2_000
const lookMs = 20

/** The state of a task once it has ended, or when that was waited for long enough. */
export const settled = Effect.fnUntraced(function* (id: string) {
  const until = (yield* Clock.currentTimeMillis) + patienceMs
  while (true) {
    const state = yield* stateOf(id)
    if (state === undefined || isFinal(state) || (yield* Clock.currentTimeMillis) >= until) return state
    yield* Effect.sleep(Duration.millis(lookMs))
  }
})
