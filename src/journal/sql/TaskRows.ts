/**
 * Tasks as rows: which column holds what, and the one statement that writes
 * them. States and priorities are stored as small numbers, in the order in
 * which the domain lists them.
 */
import type { Priority } from "../../domain/Outcome.ts"
import { priorities } from "../../domain/Outcome.ts"
import type { Task } from "../../domain/Task.ts"
import { taskStates } from "../../domain/TaskState.ts"
import type { TaskState } from "../../domain/TaskState.ts"
import { bigints, byteas, instants, ints, smallints, texts, uuids } from "../../database/columns.ts"

const stateNumbers = new Map<TaskState, number>(taskStates.map((state, i) => [state, i]))
const priorityNumbers = new Map<Priority, number>(priorities.map((priority, i) => [priority, i]))

/** The number a state is stored as. */
export const stateNumber = (state: TaskState): number => stateNumbers.get(state)!

/** The state a number stands for. */
export const stateOf = (number: number): TaskState => taskStates[number]!

export interface TaskRow {
  readonly id: string
  readonly queue: string
  readonly partition: number
  readonly offset: bigint
  readonly user_key: string | null
  readonly type: string
  readonly flow: string | null
  readonly priority: number
  readonly state: number
  readonly attempt: number
  readonly crashes: number
  readonly emitted: number
  readonly queued_at: Date
  readonly started_at: Date | null
  readonly ended_at: Date | null
  readonly not_before: Date | null
  readonly reason: string | null
  readonly result: string | null
  readonly progress: string | null
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: string | null
}

/** The columns of a TaskRow; `t` is the task and `q` its queue. */
export const taskColumns = `t.id, q.name AS queue, t.partition, t."offset", t.user_key, t.type, t.flow, t.priority,
  t.state, t.attempt, t.crashes, t.emitted, t.queued_at, t.started_at, t.ended_at, t.not_before, t.reason, t.result,
  t.progress, t.key, t.value, t.headers`

const time = (date: Date | null): number | null => (date === null ? null : date.getTime())

/** The task a row holds. */
export const taskOf = (row: TaskRow): Task => ({
  id: row.id,
  queue: row.queue,
  partition: row.partition,
  offset: Number(row.offset),
  user: row.user_key,
  type: row.type,
  flow: row.flow,
  priority: priorities[row.priority]!,
  state: stateOf(row.state),
  attempt: row.attempt,
  crashes: row.crashes,
  emitted: row.emitted,
  queuedAt: row.queued_at.getTime(),
  startedAt: time(row.started_at),
  endedAt: time(row.ended_at),
  notBefore: time(row.not_before),
  reason: row.reason,
  result: row.result,
  progress: row.progress,
  record:
    row.headers === null
      ? null
      : { key: row.key, value: row.value, headers: JSON.parse(row.headers) as Readonly<Record<string, string>> }
})

/**
 * Inserts tasks or brings them forward. A row that has ended is left alone:
 * what a replay computes a second time must not overwrite what was stored first.
 * The bytes stay as long as the task may run, also when its owner holds them no
 * longer in memory and writes none.
 */
export const upsertTasks = `
INSERT INTO task (id, queue, partition, "offset", user_key, type, flow, priority, state, attempt, crashes, emitted,
  queued_at, started_at, ended_at, not_before, reason, result, progress, key, value, headers)
SELECT * FROM unnest($1::uuid[], $2::int2[], $3::int4[], $4::int8[], $5::text[], $6::text[], $7::text[], $8::int2[],
  $9::int2[], $10::int2[], $11::int2[], $12::int4[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[],
  $16::timestamptz[], $17::text[], $18::text[], $19::text[], $20::bytea[], $21::bytea[], $22::text[])
ON CONFLICT (id) DO UPDATE SET state = excluded.state, attempt = excluded.attempt, crashes = excluded.crashes,
  emitted = excluded.emitted, started_at = excluded.started_at, ended_at = excluded.ended_at,
  not_before = excluded.not_before, reason = excluded.reason, result = excluded.result, progress = excluded.progress,
  key = CASE WHEN excluded.state = 2 THEN NULL ELSE coalesce(excluded.key, task.key) END,
  value = CASE WHEN excluded.state = 2 THEN NULL ELSE coalesce(excluded.value, task.value) END,
  headers = CASE WHEN excluded.state = 2 THEN NULL ELSE coalesce(excluded.headers, task.headers) END
WHERE task.state < 2`

/** The parameters of `upsertTasks`; `queueId` gives the number of a queue. */
export const taskParameters = (
  tasks: ReadonlyArray<Task>,
  queueId: (name: string) => number
): ReadonlyArray<unknown> => [
  uuids(tasks.map((t) => t.id)),
  smallints(tasks.map((t) => queueId(t.queue))),
  ints(tasks.map((t) => t.partition)),
  bigints(tasks.map((t) => t.offset)),
  texts(tasks.map((t) => t.user)),
  texts(tasks.map((t) => t.type)),
  texts(tasks.map((t) => t.flow)),
  smallints(tasks.map((t) => priorityNumbers.get(t.priority)!)),
  smallints(tasks.map((t) => stateNumber(t.state))),
  smallints(tasks.map((t) => t.attempt)),
  smallints(tasks.map((t) => t.crashes)),
  ints(tasks.map((t) => t.emitted)),
  instants(tasks.map((t) => t.queuedAt)),
  instants(tasks.map((t) => t.startedAt)),
  instants(tasks.map((t) => t.endedAt)),
  instants(tasks.map((t) => t.notBefore)),
  texts(tasks.map((t) => t.reason)),
  texts(tasks.map((t) => t.result)),
  texts(tasks.map((t) => t.progress)),
  byteas(tasks.map((t) => t.record?.key ?? null)),
  byteas(tasks.map((t) => t.record?.value ?? null)),
  texts(tasks.map((t) => (t.record === null ? null : JSON.stringify(t.record.headers))))
]

/**
 * Whether a task is the common case: it succeeded, and all there is to say is
 * who, when and with what result. Such rows have half the columns.
 */
export const isPlain = (task: Task): boolean =>
  task.state === "succeeded" &&
  task.crashes === 0 &&
  task.reason === null &&
  task.progress === null &&
  task.emitted === 0

/** `upsertTasks` for plain tasks. */
export const upsertPlainTasks = `
INSERT INTO task (id, queue, partition, "offset", user_key, type, flow, priority, state, attempt, crashes, emitted,
  queued_at, started_at, ended_at, result)
SELECT id, queue, partition, "offset", user_key, type, flow, priority, ${stateNumber("succeeded")}, attempt, 0, 0,
  queued_at, started_at, ended_at, result
FROM unnest($1::uuid[], $2::int2[], $3::int4[], $4::int8[], $5::text[], $6::text[], $7::text[], $8::int2[], $9::int2[],
  $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::text[])
  t (id, queue, partition, "offset", user_key, type, flow, priority, attempt, queued_at, started_at, ended_at, result)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, attempt = excluded.attempt, crashes = 0, emitted = 0,
  started_at = excluded.started_at, ended_at = excluded.ended_at, not_before = NULL, reason = NULL,
  result = excluded.result, progress = NULL, key = NULL, value = NULL, headers = NULL
WHERE task.state < 2`

/** The parameters of `upsertPlainTasks`. */
export const plainParameters = (
  tasks: ReadonlyArray<Task>,
  queueId: (name: string) => number
): ReadonlyArray<unknown> => [
  uuids(tasks.map((t) => t.id)),
  smallints(tasks.map((t) => queueId(t.queue))),
  ints(tasks.map((t) => t.partition)),
  bigints(tasks.map((t) => t.offset)),
  texts(tasks.map((t) => t.user)),
  texts(tasks.map((t) => t.type)),
  texts(tasks.map((t) => t.flow)),
  smallints(tasks.map((t) => priorityNumbers.get(t.priority)!)),
  smallints(tasks.map((t) => t.attempt)),
  instants(tasks.map((t) => t.queuedAt)),
  instants(tasks.map((t) => t.startedAt)),
  instants(tasks.map((t) => t.endedAt)),
  texts(tasks.map((t) => t.result))
]
