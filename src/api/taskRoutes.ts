/** GET /tasks, GET /tasks/:id, and what can be done to a task. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { isFinal, taskStates } from "../domain/TaskState.ts"
import type { TaskState } from "../domain/TaskState.ts"
import { Journal } from "../journal/Journal.ts"
import { listTasks } from "../journal/sql/History.ts"
import { Api } from "./Contract.ts"
import { guarded } from "./guarded.ts"
import { viewOf } from "./present.ts"
import { Conflict, NotFound } from "./Problems.ts"
import { taskDetail } from "./taskDetail.ts"
import { settled, stateOf } from "./taskSettled.ts"

const defaultPage = 50
const by = "the API"

const noTask = (id: string) => NotFound.of(`there is no task "${id}"`)

const statesOf = (text: string): ReadonlyArray<TaskState> => {
  const words = new Set(text.split(",").map((word) => word.trim()))
  return taskStates.filter((state) => words.has(state))
}

export const taskRoutes = HttpApiBuilder.group(Api, "tasks", (handlers) =>
  handlers
    .handle(
      "list",
      Effect.fnUntraced(function* ({ query }) {
        const { status, limit = defaultPage, cursor = null, ...wanted } = query
        const rows = yield* guarded(
          listTasks(
            {
              states: status === undefined ? [] : statesOf(status),
              queue: wanted.queue ?? null,
              user: wanted.user ?? null,
              type: wanted.type ?? null,
              flow: wanted.flow ?? null,
              since: wanted.since ?? null,
              until: wanted.until ?? null,
              q: wanted.q ?? null
            },
            limit,
            cursor
          )
        )
        return {
          tasks: rows.map(({ task }) => viewOf(task)),
          next: rows.length < limit ? null : String(rows.at(-1)!.seq)
        }
      })
    )
    .handle(
      "get",
      Effect.fnUntraced(function* ({ params: { id } }) {
        return (yield* guarded(taskDetail(id))) ?? (yield* noTask(id))
      })
    )
    .handle(
      "cancel",
      Effect.fnUntraced(function* ({ params: { id } }) {
        const journal = yield* Journal
        const was = yield* guarded(stateOf(id))
        if (was === undefined) return yield* noTask(id)
        if (isFinal(was)) return yield* Conflict.of(`the task has ended already: ${was}`)
        if (!(yield* guarded(journal.requestCancel(id, by)))) return yield* Conflict.of("the task has ended meanwhile")
        const status = (yield* guarded(settled(id))) ?? was
        const message =
          status === "cancelled"
            ? was === "in_progress"
              ? "it was running and was interrupted"
              : "it will not run"
            : isFinal(status)
              ? `it ended first: ${status}`
              : "its worker has been asked and has not answered yet"
        return { taskId: id, status, was, message }
      })
    )
    .handle(
      "retry",
      Effect.fnUntraced(function* ({ params: { id } }) {
        const journal = yield* Journal
        const was = yield* guarded(stateOf(id))
        if (was === undefined) return yield* noTask(id)
        if (!isFinal(was) || was === "succeeded")
          return yield* Conflict.of(`only a task that failed can be retried; this one is ${was}`)
        if (!(yield* guarded(journal.requestRetry(id, by)))) return yield* Conflict.of("the task has changed meanwhile")
        return { taskId: id, status: "queued" as const, was, message: "it runs again, after what its user has waiting" }
      })
    )
)
