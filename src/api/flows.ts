/**
 * A flow as a whole: all tasks that descend from one event, also those that no
 * worker has read yet. The wish to cancel it is kept until it is over, for
 * whoever reads the rest of its records; those of its tasks that have a row are
 * asked for one by one, since they may wait where nobody looks.
 */
import { Clock, Duration, Effect } from "effect"
import { SqlClient } from "effect/sql"
import { texts } from "../database/columns.ts"
import { isFinal } from "../domain/TaskState.ts"
import { Journal } from "../journal/Journal.ts"
import { flowProgress } from "../journal/sql/Flows.ts"
import type { FlowProgress } from "../journal/sql/Flows.ts"
import { readEvent } from "../journal/sql/EventHistory.ts"
import { listTasks } from "../journal/sql/History.ts"
import type { StoredEvent } from "../journal/sql/EventHistory.ts"
import { refused } from "../journal/sql/refused.ts"
import type { FlowStatus } from "./Views.ts"

/** Most tasks of a flow that are read at once. */
const largestFlow = 1_000

/** The tasks of a flow that have a row, oldest first, at most a thousand. */
export const flowTasks = (event: string) =>
  Effect.map(
    listTasks(
      { states: [], queue: null, user: null, type: null, flow: event, since: null, until: null, q: null },
      largestFlow,
      null
    ),
    (listed) => listed.map(({ task }) => task).toReversed()
  )

/** The status of a flow by its progress; `cancelled` says how many of those that ended badly were cancelled. */
export const flowStatusOf = (progress: FlowProgress | undefined, hasTasks: boolean, cancelled: number): FlowStatus => {
  if (progress === undefined || !progress.isOver) return hasTasks ? "in_progress" : "queued"
  if (progress.endedBadly > cancelled) return "failed"
  return progress.endedBadly > 0 ? "cancelled" : "succeeded"
}

/** How many tasks of each flow were cancelled; flows without one are left out. */
export const cancelledIn = (events: ReadonlyArray<string>) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    refused("read flows")(
      Effect.map(
        sql.unsafe<{ flow: string; count: bigint }>(
          `SELECT flow, count(*) AS count FROM task WHERE flow = ANY ($1::text[]) AND state = 4 GROUP BY flow`,
          [texts(events)]
        ),
        (rows) => new Map(rows.map((row) => [row.flow, Number(row.count)]))
      )
    )
  )

/** Moves the start of an event that was to start later to now, so that it ends now. */
const startNow = Effect.fnUntraced(function* (event: StoredEvent) {
  const journal = yield* Journal
  const now = yield* Clock.currentTimeMillis
  const schedule = (yield* journal.schedules).find(({ id, nextAt }) => id === `event:${event.id}` && nextAt !== null)
  if (schedule === undefined || schedule.nextAt! <= now) return
  yield* journal.putSchedule({ ...schedule, timing: { kind: "at", at: now }, nextAt: now })
})

export interface FlowEnd {
  readonly status: FlowStatus
  readonly cancelled: number
  readonly ended: number
}

const read = Effect.fnUntraced(function* (event: string) {
  const [progress] = yield* flowProgress([event])
  const cancelled = (yield* cancelledIn([event])).get(event) ?? 0
  const ended = progress?.ended ?? 0
  return { status: flowStatusOf(progress, ended > 0, cancelled), cancelled, ended: ended - cancelled } satisfies FlowEnd
})

/** How long an answer waits for the owners of the tasks to say what became of them, ms. */
const patienceMs = 3_000
const lookMs = 50

/**
 * Cancels what has not ended of a flow, and what its running tasks still hand
 * on. Answers how the flow stands; where no worker runs, the wish is
 * kept until one does. Null where there is no such event.
 */
export const cancelFlow = Effect.fn("cancelFlow")(function* (id: string, by: string) {
  const journal = yield* Journal
  const event = yield* readEvent({ id })
  if (event === null) return null
  const asked = new Set<string>()
  const ask = Effect.fnUntraced(function* (task: string) {
    if (asked.has(task)) return
    asked.add(task)
    yield* journal.requestCancel(task, by)
  })
  const before = yield* read(id)
  if (before.status !== "queued" && before.status !== "in_progress") return { ...before, wasOver: true }
  yield* journal.requestFlowCancel(id, by)
  yield* startNow(event)
  const until = (yield* Clock.currentTimeMillis) + patienceMs
  while (true) {
    for (const task of yield* flowTasks(id)) if (!isFinal(task.state)) yield* ask(task.id)
    const now = yield* read(id)
    const isOver = now.status !== "queued" && now.status !== "in_progress"
    if (isOver) yield* journal.forgetFlowCancels(id)
    if (isOver || (yield* Clock.currentTimeMillis) >= until) return { ...now, wasOver: false }
    yield* Effect.sleep(Duration.millis(lookMs))
  }
})
