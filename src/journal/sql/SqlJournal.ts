/** The journal in Postgres: the tables of migrations.ts behind the port. */
import { PgClient } from "@effect/sql-pg"
import { Clock, Effect, Layer } from "effect"
import { uuids } from "../../database/columns.ts"
import { Journal } from "../Journal.ts"
import type { QueuePartition } from "../Journal.ts"
import { acceptance, makeAccept } from "./Accept.ts"
import { makeCommit } from "./Commit.ts"
import { makeControls } from "./Controls.ts"
import { makeQueues } from "./Queues.ts"
import { refused } from "./refused.ts"
import { makeSchedules } from "./Schedules.ts"
import { taskColumns, taskOf } from "./TaskRows.ts"
import type { TaskRow } from "./TaskRows.ts"

const make = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const queues = yield* makeQueues
  const commit = yield* makeCommit(queues.id)
  const controls = yield* makeControls
  const schedules = yield* makeSchedules
  const accept = yield* makeAccept
  const fromTask = `SELECT ${taskColumns} FROM task t JOIN queue q ON q.id = t.queue`

  const lease = Effect.fn("Journal.lease")(function* (of: QueuePartition & { readonly owner: string }) {
    const now = new Date(yield* Clock.currentTimeMillis)
    // `before` is read and locked as part of what is inserted: asked for in RETURNING alone it would come after the
    // update and find nothing.
    const rows = yield* sql<{ epoch: bigint; next_offset: bigint; was_clean: boolean | null }>`
      WITH before AS MATERIALIZED (
        SELECT clean FROM assignment WHERE queue = ${queues.id(of.queue)}::int2 AND partition = ${of.partition} FOR UPDATE)
      INSERT INTO assignment (queue, partition, epoch, owner, clean, leased_at)
      SELECT ${queues.id(of.queue)}::int2, ${of.partition}::int4, 1, ${of.owner}, false, ${now}::timestamptz
      FROM (SELECT 1) one LEFT JOIN before ON true
      ON CONFLICT (queue, partition) DO UPDATE SET epoch = assignment.epoch + 1, owner = excluded.owner, clean = false,
        batch = 0, leased_at = excluded.leased_at
      RETURNING epoch, next_offset, (SELECT clean FROM before) AS was_clean`
    const row = rows[0]!
    const epoch = Number(row.epoch)
    return { epoch, nextOffset: Number(row.next_offset), clean: row.was_clean ?? epoch === 1 }
  }, refused("lease"))

  return Journal.of({
    register: queues.register,
    lease,
    release: ({ queue, partition, epoch }) =>
      refused("release")(
        Effect.asVoid(sql`UPDATE assignment SET clean = true
          WHERE queue = ${queues.id(queue)}::int2 AND partition = ${partition} AND epoch = ${BigInt(epoch)}`)
      ),
    unfinished: ({ queue, partition, after, below, limit }) =>
      refused("load unfinished tasks")(
        Effect.map(
          sql.unsafe<TaskRow>(
            `${fromTask} WHERE t.queue = $1 AND t.partition = $2 AND t.state < 2 AND t."offset" > $3 AND t."offset" < $4
             ORDER BY t."offset" LIMIT $5`,
            [queues.id(queue), partition, BigInt(after), BigInt(below), limit]
          ),
          (rows) => rows.map(taskOf)
        )
      ),
    lastUnfinished: ({ queue, partition }) =>
      refused("load unfinished tasks")(
        Effect.map(
          sql.unsafe<{ offset: bigint }>(
            `SELECT t."offset" FROM task t WHERE t.queue = $1 AND t.partition = $2 AND t.state < 2 ORDER BY t."offset" DESC LIMIT 1`,
            [queues.id(queue), partition]
          ),
          (rows) => Number(rows[0]?.offset ?? -1n)
        )
      ),
    backlog: ({ queue, partition, key, after, below, limit }) =>
      refused("load a mailbox")(
        Effect.map(
          sql.unsafe<TaskRow>(
            `${fromTask} WHERE t.queue = $1 AND t.partition = $2 AND t.state < 2 AND t."offset" > $3 AND t."offset" < $4
             AND t.key = $5 ORDER BY t."offset" LIMIT $6`,
            [queues.id(queue), partition, BigInt(after), BigInt(below), key, limit]
          ),
          (rows) => rows.map(taskOf)
        )
      ),
    pending: (ids) =>
      ids.length === 0
        ? Effect.succeed([])
        : refused("look up tasks")(
            Effect.map(
              sql.unsafe<TaskRow>(`${fromTask} WHERE t.id = ANY ($1::uuid[]) AND t.state < 2`, [uuids(ids)]),
              (rows) => rows.map(taskOf)
            )
          ),
    known: (ids) =>
      ids.length === 0
        ? Effect.succeed(new Map<string, number>())
        : refused("look up tasks")(
            Effect.map(
              sql.unsafe<{ id: string; offset: bigint }>(`SELECT id, "offset" FROM task WHERE id = ANY ($1::uuid[])`, [
                uuids(ids)
              ]),
              (rows) => new Map(rows.map((row) => [row.id, Number(row.offset)]))
            )
          ),
    task: (id) =>
      refused("read a task")(
        Effect.map(sql.unsafe<TaskRow>(`${fromTask} WHERE t.id = $1::uuid`, [id]), (rows) =>
          rows[0] === undefined ? null : taskOf(rows[0])
        )
      ),
    commit: (batch, alongside) => refused("flush")(commit(batch, alongside)),
    steps: (task) =>
      refused("read steps")(
        Effect.map(
          sql<{ name: string; result: string }>`SELECT name, result FROM step WHERE task = ${task}::uuid`,
          (rows) => new Map(rows.map((row) => [row.name, row.result]))
        )
      ),
    states: (queue, key) =>
      refused("read state")(
        Effect.map(
          sql<{ name: string; value: string }>`SELECT name, value FROM actor_state
            WHERE queue = ${queues.id(queue)}::int2 AND key = ${key}`,
          (rows) => new Map(rows.map((row) => [row.name, row.value]))
        )
      ),
    controls: controls.read,
    watchControls: controls.watch,
    pauseQueue: controls.pauseQueue,
    pauseKey: controls.pauseKey,
    requestCancel: controls.requestCancel,
    askedToCancel: controls.askedToCancel,
    requestFlowCancel: controls.requestFlowCancel,
    forgetFlowCancels: (flow) => Effect.asVoid(controls.forgetFlowCancels(flow)),
    requestRetry: controls.requestRetry,
    accept,
    acceptance,
    putSchedule: schedules.put,
    removeSchedule: schedules.remove,
    schedules: schedules.all,
    dueSchedules: schedules.due
  })
})

/** The journal on the surrounding PgClient, whose migrations have run. */
export const layer = Layer.effect(Journal, make)
