/** GET /tasks, GET /tasks/:id, and what can be done to a task. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { isFinal, taskStates } from "../domain/TaskState.ts"
import type { TaskState } from "../domain/TaskState.ts"
import { Journal } from "../journal/Journal.ts"
import { listTasks } from "../journal/sql/History.ts"
import { Api } from "./Contract.ts"
import { guarded } from "./guarded.ts"
import { instantShape, readQueryInstant } from "./instant.ts"
import { viewOf } from "./present.ts"
import type { FieldIssue } from "./Problems.ts"
import { BadRequest, Conflict, NotFound } from "./Problems.ts"
import { taskDetail } from "./taskDetail.ts"
import { settled, stateOf } from "./taskSettled.ts"

const defaultPage = 50
const by = "the API"

const noTask = (id: string) => NotFound.of(`there is no task "${id}"`)

const statesOf = (text: string | undefined): ReadonlyArray<TaskState> | undefined => {
  if (text === undefined) return []
  const words = text.split(",").map((word) => word.trim())
  const states = taskStates.filter((state) => words.includes(state))
  return states.length === new Set(words).size ? states : undefined
}

const readCursor = (text: string | undefined): number | null | undefined =>
  text === undefined ? null : /^\d{1,15}$/.test(text) ? Number(text) : undefined

export const taskRoutes = HttpApiBuilder.group(Api, "tasks", (handlers) =>
  handlers
    .handle(
      "list",
      Effect.fnUntraced(function* ({ query }) {
        const issues: Array<FieldIssue> = []
        const states = statesOf(query.status)
        const since = readQueryInstant(query.since)
        const until = readQueryInstant(query.until)
        const cursor = readCursor(query.cursor)
        if (states === undefined)
          issues.push({ path: ["query", "status"], message: `must be some of ${taskStates.join(", ")}` })
        if (since === undefined) issues.push({ path: ["query", "since"], message: instantShape })
        if (until === undefined) issues.push({ path: ["query", "until"], message: instantShape })
        if (cursor === undefined) issues.push({ path: ["query", "cursor"], message: "must be what `next` said" })
        for (const name of ["queue", "user", "type", "flow", "q"] as const) {
          if (query[name]?.includes("\0") === true)
            issues.push({ path: ["query", name], message: "must not contain NUL" })
        }
        if (issues.length > 0) return yield* BadRequest.of("the filter cannot be used", issues)
        const limit = query.limit ?? defaultPage
        const rows = yield* guarded(
          listTasks(
            {
              states: states!,
              queue: query.queue ?? null,
              user: query.user ?? null,
              type: query.type ?? null,
              flow: query.flow ?? null,
              since: since!,
              until: until!,
              q: query.q ?? null
            },
            limit,
            cursor!
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
