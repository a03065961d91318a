/** One task as the API and the command line show it, also one that no worker has read yet. */
import { Clock, Effect } from "effect"
import { SqlClient } from "effect/sql"
import { isUuid } from "../domain/ids.ts"
import { keyOf } from "../domain/Task.ts"
import { readEvent } from "../journal/sql/EventHistory.ts"
import { readTask } from "../journal/sql/History.ts"
import type { StoredEvent } from "../journal/sql/EventHistory.ts"
import { refused } from "../journal/sql/refused.ts"
import { detailOf, unreadOf } from "./present.ts"
import type { Standing } from "./present.ts"

const standingOf = (event: StoredEvent) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    refused("read how a queue stands")(
      Effect.map(
        sql<{ off: string | null; queue_paused: boolean; user_paused: boolean; cancelled: boolean }>`
          SELECT (SELECT off FROM queue WHERE name = ${event.queue}) AS off,
            EXISTS (SELECT 1 FROM queue_control WHERE queue = ${event.queue} AND paused) AS queue_paused,
            EXISTS (SELECT 1 FROM key_control WHERE key = ${keyOf(event.user)} AND paused AND queue IN ('', ${event.queue})) AS user_paused,
            EXISTS (SELECT 1 FROM task_command WHERE task = ${event.task}::uuid AND kind = 'cancel')
              OR EXISTS (SELECT 1 FROM flow_cancel WHERE flow = ${event.id}) AS cancelled`,
        ([row]): Standing => ({
          off: row!.off,
          queuePaused: row!.queue_paused,
          userPaused: row!.user_paused,
          isCancelled: row!.cancelled
        })
      )
    )
  )

/** Everything about one task; null where there is none. */
export const taskDetail = Effect.fn("taskDetail")(function* (id: string) {
  if (!isUuid(id)) return null
  const now = yield* Clock.currentTimeMillis
  const history = yield* readTask(id)
  const event = yield* readEvent({ task: id })
  if (history !== null) return detailOf(history, event, now)
  return event === null ? null : unreadOf(event, yield* standingOf(event))
})
