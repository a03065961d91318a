/**
 * What can be seen: tasks by filter, one task with all that happened to it, a
 * user's mailboxes, the queues. Reads only; every list is paged by a key, and
 * nothing counts a whole table.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { keyOf } from "../../domain/Task.ts"
import type { Task } from "../../domain/Task.ts"
import type { TaskState } from "../../domain/TaskState.ts"
import { smallints } from "../../database/columns.ts"
import { refused } from "./refused.ts"
import { stateNumber, taskColumns, taskOf } from "./TaskRows.ts"
import type { TaskRow } from "./TaskRows.ts"

/** Every part narrows; null or empty does not. */
export interface TaskFilter {
  readonly states: ReadonlyArray<TaskState>
  readonly queue: string | null
  readonly user: string | null
  readonly type: string | null
  readonly flow: string | null
  /** ms since the epoch, by when the record was appended. */
  readonly since: number | null
  readonly until: number | null
  /** Part of the reason, the user, or the beginning of an id. */
  readonly q: string | null
}

/** A task and its place in the list. */
export interface ListedTask {
  readonly seq: number
  readonly task: Task
}

type Row = TaskRow & { readonly seq: bigint }

const from = `FROM task t JOIN queue q ON q.id = t.queue`

/** `text` as a literal part of a LIKE pattern. */
const literal = (text: string): string => text.replace(/[\\%_]/g, (sign) => `\\${sign}`)

/** Tasks that fit, newest first, at most `limit`, those before `before` (a `seq`) where it is given. */
export const listTasks = (filter: TaskFilter, limit: number, before: number | null) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => {
    const where: Array<string> = []
    const values: Array<unknown> = []
    const add = (condition: (place: string) => string, value: unknown) => {
      values.push(value)
      where.push(condition(`$${values.length}`))
    }
    if (filter.states.length > 0) {
      // Constants, so that the partial indexes of rare states serve.
      where.push(`t.state IN (${filter.states.map(stateNumber).join(", ")})`)
      if (filter.states.every((state) => stateNumber(state) > 2)) where.push(`t.state > 2`)
      if (filter.states.every((state) => stateNumber(state) < 2)) where.push(`t.state < 2`)
    }
    if (filter.queue !== null) add((p) => `q.name = ${p}`, filter.queue)
    if (filter.user !== null) add((p) => `t.user_key = ${p}`, filter.user)
    if (filter.type !== null) add((p) => `t.type = ${p}`, filter.type)
    if (filter.flow !== null) add((p) => `t.flow = ${p}`, filter.flow)
    if (filter.since !== null) add((p) => `t.queued_at >= ${p}::timestamptz`, new Date(filter.since))
    if (filter.until !== null) add((p) => `t.queued_at < ${p}::timestamptz`, new Date(filter.until))
    if (filter.q !== null) {
      add(
        (p) =>
          `(t.reason ILIKE '%' || ${p} || '%' OR t.user_key ILIKE '%' || ${p} || '%' OR t.id::text LIKE ${p} || '%')`,
        literal(filter.q)
      )
    }
    if (before !== null) add((p) => `t.seq < ${p}`, BigInt(before))
    values.push(limit)
    const condition = where.length === 0 ? "" : `WHERE ${where.join(" AND ")}`
    return refused("list tasks")(
      Effect.map(
        sql.unsafe<Row>(
          `SELECT t.seq, ${taskColumns} ${from} ${condition} ORDER BY t.seq DESC LIMIT $${values.length}`,
          values
        ),
        (rows) => rows.map((row): ListedTask => ({ seq: Number(row.seq), task: taskOf(row) }))
      )
    )
  })

export interface TaskHistory {
  readonly task: Task
  readonly attempts: ReadonlyArray<{
    readonly number: number
    readonly startedAt: number
    readonly endedAt: number
    readonly outcome: string
    readonly reason: string | null
    readonly detail: string | null
  }>
  readonly steps: ReadonlyArray<{ readonly name: string; readonly result: string | null; readonly at: number }>
  readonly log: ReadonlyArray<{ readonly at: number; readonly level: string; readonly message: string }>
  /** Whether its queue or its user is paused, and the task of the same user that is before it. */
  readonly queuePaused: boolean
  readonly userPaused: boolean
  readonly off: string | null
  readonly behind: string | null
}

/** One task with everything that happened to it; null where it has no row. */
export const readTask = Effect.fn("History.readTask")(function* (id: string) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe<Row>(`SELECT t.seq, ${taskColumns} ${from} WHERE t.id = $1::uuid`, [id])
  if (rows[0] === undefined) return null
  const task = taskOf(rows[0])
  const attempts = yield* sql<{
    number: number
    started_at: Date
    ended_at: Date
    outcome: string
    reason: string | null
    detail: string | null
  }>`
    SELECT number, started_at, ended_at, outcome, reason, detail FROM attempt WHERE task = ${id}::uuid ORDER BY started_at`
  const steps = yield* sql<{
    name: string
    result: string | null
    at: Date
  }>`SELECT name, result, at FROM step WHERE task = ${id}::uuid ORDER BY at, name`
  const log = yield* sql<{
    at: Date
    level: string
    message: string
  }>`SELECT at, level, message FROM task_log WHERE task = ${id}::uuid ORDER BY seq`
  const [around] = yield* sql<{
    queue_paused: boolean
    user_paused: boolean
    off: string | null
    behind: string | null
  }>`
    SELECT EXISTS (SELECT 1 FROM queue_control WHERE queue = ${task.queue} AND paused) AS queue_paused,
      EXISTS (SELECT 1 FROM key_control WHERE key = ${keyOf(task.user ?? "")} AND paused AND queue IN ('', ${task.queue})) AS user_paused,
      (SELECT off FROM queue WHERE name = ${task.queue}) AS off,
      (SELECT t.id FROM task t JOIN queue q ON q.id = t.queue WHERE q.name = ${task.queue} AND t.partition = ${task.partition}
        AND t.state < 2 AND t."offset" < ${BigInt(task.offset)} AND t.user_key = ${task.user}::text ORDER BY t."offset" LIMIT 1) AS behind`
  return {
    task,
    attempts: attempts.map((a) => ({
      number: a.number,
      startedAt: a.started_at.getTime(),
      endedAt: a.ended_at.getTime(),
      outcome: a.outcome,
      reason: a.reason,
      detail: a.detail
    })),
    steps: steps.map((step) => ({ name: step.name, result: step.result, at: step.at.getTime() })),
    log: log.map((line) => ({ at: line.at.getTime(), level: line.level, message: line.message })),
    queuePaused: around!.queue_paused,
    userPaused: around!.user_paused,
    off: around!.off,
    behind: around!.behind
  } satisfies TaskHistory
}, refused("read a task"))

export interface QueueView {
  readonly name: string
  readonly topic: string
  readonly priority: string
  readonly off: string | null
  readonly paused: boolean
  readonly partitions: number
  readonly owners: number
  /** Records that have no row yet. */
  readonly unread: number
  readonly queued: number
  readonly running: number
  readonly failed: number
}

/** All queues with what is before them and what runs. `failed` counts to ten thousand and no further. */
export const readQueues = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  refused("read queues")(
    Effect.map(
      sql<{
        name: string
        topic: string
        priority: string
        off: string | null
        paused: boolean
        partitions: bigint
        owners: bigint
        unread: bigint
        queued: bigint
        running: bigint
        failed: bigint
      }>`SELECT q.name, q.topic, q.priority, q.off,
        EXISTS (SELECT 1 FROM queue_control c WHERE c.queue = q.name AND c.paused) AS paused,
        p.partitions, p.owners, p.unread,
        (SELECT count(*) FROM task t WHERE t.queue = q.id AND t.state < 2 AND t.state = 0) AS queued,
        (SELECT count(*) FROM task t WHERE t.queue = q.id AND t.state < 2 AND t.state = 1) AS running,
        (SELECT count(*) FROM (SELECT 1 FROM task t WHERE t.queue = q.id AND t.state > 2 AND t.state = 3 LIMIT 10000) f) AS failed
      FROM queue q LEFT JOIN LATERAL (
        SELECT count(*) AS partitions, count(DISTINCT a.owner) FILTER (WHERE NOT a.clean) AS owners,
          coalesce(sum(tp.next_offset - coalesce(a.next_offset, 0)), 0)::int8 AS unread
        FROM topic tt JOIN topic_partition tp ON tp.topic = tt.id
        LEFT JOIN assignment a ON a.queue = q.id AND a.partition = tp.partition
        WHERE tt.name = q.topic) p ON true
      ORDER BY q.name`,
      (rows) =>
        rows.map((row): QueueView => ({
          ...row,
          partitions: Number(row.partitions),
          owners: Number(row.owners),
          unread: Number(row.unread),
          queued: Number(row.queued),
          running: Number(row.running),
          failed: Number(row.failed)
        }))
    )
  )
)

export interface MailboxView {
  readonly paused: boolean
  /** Queues that are blocked for this user by a task that used all its attempts. */
  readonly blockedQueues: ReadonlyArray<string>
  readonly tasks: ReadonlyArray<Task>
}

/** What waits and runs for a user, in order within each queue, at most `limit`. */
export const readMailbox = (user: string, limit: number) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    refused("read a mailbox")(
      Effect.gen(function* () {
        const held = yield* sql<{ queue: string }>`SELECT queue FROM key_control WHERE key = ${keyOf(user)} AND paused`
        const rows = yield* sql.unsafe<TaskRow>(
          `SELECT ${taskColumns} ${from} WHERE t.user_key = $1 AND t.state = ANY ($3::int2[]) AND t.state < 2
           ORDER BY q.name, t.partition, t."offset" LIMIT $2`,
          [user, limit, smallints([0, 1])]
        )
        return {
          paused: held.some((row) => row.queue === ""),
          blockedQueues: held.map((row) => row.queue).filter((queue) => queue !== ""),
          tasks: rows.map(taskOf)
        } satisfies MailboxView
      })
    )
  )
