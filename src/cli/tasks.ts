/** `postroom tasks`: list, show, cancel, retry. */
import { Clock, Data, Duration, Effect } from "effect"
import { viewOf } from "../api/present.ts"
import { taskDetail } from "../api/taskDetail.ts"
import type { Settings } from "../config/settings.ts"
import { isFinal, taskStates } from "../domain/TaskState.ts"
import { Journal } from "../journal/Journal.ts"
import * as History from "../journal/sql/History.ts"
import { jsonLine, line, short, status, table, when } from "./output.ts"
import { layerJournal } from "./storage.ts"
import { WrongUsage } from "./usage.ts"

/** No task answers to that. */
export class NoSuchTask extends Data.TaggedError("NoSuchTask")<{ readonly id: string }> {
  override get message() {
    return `there is no task ${this.id}`
  }
}

export interface ListOptions {
  readonly status: string | null
  readonly queue: string | null
  readonly user: string | null
  readonly q: string | null
  readonly limit: number
  readonly json: boolean
}

export const listTasks = Effect.fn("tasks")(function* (settings: Settings, options: ListOptions) {
  const names = options.status === null ? [] : options.status.split(",").map((name) => name.trim())
  const unknown = names.find((name) => !taskStates.some((state) => state === name))
  if (unknown !== undefined) {
    return yield* new WrongUsage({ detail: `there is no status "${unknown}": known are ${taskStates.join(", ")}` })
  }
  const states = taskStates.filter((state) => names.includes(state))
  const { queue, user, q } = options
  const rows = yield* History.listTasks(
    { states, queue, user, type: null, flow: null, since: null, until: null, q },
    options.limit,
    null
  ).pipe(Effect.provide(layerJournal(settings)))
  if (options.json) return rows.forEach(({ task }) => jsonLine(viewOf(task)))
  table(
    ["task", "queue", "user", "status", "attempt", "ended", "reason"],
    rows.map(({ task }) => [
      task.id,
      task.queue,
      short(task.user ?? "", 24),
      status(task.state),
      String(task.attempt),
      when(task.endedAt),
      short(task.reason ?? "", 60)
    ])
  )
}, Effect.scoped)

const read = Effect.fnUntraced(function* (id: string) {
  return (yield* taskDetail(id)) ?? (yield* new NoSuchTask({ id }))
})

export const showTask = Effect.fn("tasks show")(function* (
  settings: Settings,
  options: { readonly id: string; readonly json: boolean }
) {
  const task = yield* read(options.id).pipe(Effect.provide(layerJournal(settings)))
  if (options.json) return jsonLine(task)
  line(
    `${task.queue} task of ${task.user ?? "nobody"}: ${status(task.status)}${task.why === null ? "" : `, ${task.why}`}`
  )
  if (task.reason !== null) line(`reason     ${task.reason}`)
  line(`queued     ${when(task.queuedAt)}   started ${when(task.startedAt)}   ended ${when(task.endedAt)}`)
  if (task.flow !== null) line(`event      ${task.flow}`)
  for (const a of task.attempts) line(`attempt ${a.number}  ${when(a.startedAt)}  ${a.outcome}  ${a.reason ?? ""}`)
  for (const step of task.steps) line(`step       ${step.name}: ${short(JSON.stringify(step.result), 100)}`)
  for (const entry of task.log) line(`log        ${when(entry.at)}  ${entry.message}`)
  line(`data       ${short(JSON.stringify(task.data), 400)}`)
  line(`result     ${short(JSON.stringify(task.result), 400)}`)
}, Effect.scoped)

const patienceMs = 2_000
const lookMs = 50

/** Cancels a task and says what became of it; code 1 where it was too late. */
export const cancelTask = Effect.fn("tasks cancel")(function* (
  settings: Settings,
  options: { readonly id: string; readonly json: boolean }
) {
  const answer = yield* Effect.gen(function* () {
    const journal = yield* Journal
    const was = yield* read(options.id)
    if (isFinal(was.status)) return { done: false, text: `it has ended already: ${was.status}` }
    yield* journal.requestCancel(options.id, "the command line")
    const until = (yield* Clock.currentTimeMillis) + patienceMs
    while ((yield* Clock.currentTimeMillis) < until) {
      const task = yield* read(options.id)
      if (task.status === "cancelled") return { done: true, text: "cancelled" }
      if (isFinal(task.status)) return { done: false, text: `it ended first: ${task.status}` }
      yield* Effect.sleep(Duration.millis(lookMs))
    }
    return { done: true, text: "will be cancelled as soon as a worker sees it" }
  }).pipe(Effect.provide(layerJournal(settings)))
  if (options.json) jsonLine({ taskId: options.id, cancelled: answer.done, message: answer.text })
  else line(answer.text)
  return answer.done ? 0 : 1
}, Effect.scoped)

/** Runs a task again; code 1 where it did not end badly. */
export const retryTask = Effect.fn("tasks retry")(function* (
  settings: Settings,
  options: { readonly id: string; readonly json: boolean }
) {
  const done = yield* Effect.gen(function* () {
    const journal = yield* Journal
    yield* read(options.id)
    return yield* journal.requestRetry(options.id, "the command line")
  }).pipe(Effect.provide(layerJournal(settings)))
  if (options.json) jsonLine({ taskId: options.id, retried: done })
  else line(done ? "queued again" : "only a task that failed, was cancelled or could not be read can be retried")
  return done ? 0 : 1
}, Effect.scoped)
