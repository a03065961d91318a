/**
 * What operators want, as rows, and the bell that tells owners to look. The
 * rows are the truth; a lost NOTIFY costs the second until the next poll.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Queue, Schedule } from "effect"
import { mailboxKeyOf } from "../../domain/Task.ts"
import { slotOf } from "../Journal.ts"
import type { CommandKind, Controls, PendingCommand } from "../Journal.ts"
import { isOverSql } from "./Flows.ts"
import { refused } from "./refused.ts"
import { stateOf } from "./TaskRows.ts"

const channel = "postroom_control"

export const makeControls = Effect.map(PgClient.PgClient, (sql) => {
  const tell = sql.afterCommit(Effect.ignore(sql.notify(channel, "")))

  const read = Effect.gen(function* () {
    const queues = yield* sql<{ queue: string }>`SELECT queue FROM queue_control WHERE paused`
    const keys = yield* sql<{ key: Uint8Array; queue: string }>`SELECT key, queue FROM key_control WHERE paused`
    const commands = yield* sql<{
      number: bigint
      task: string
      kind: CommandKind
      queue: string | null
      partition: number
      state: number
    }>`SELECT c.number, c.task, c.kind, q.name AS queue, t.partition, t.state FROM task_command c
      LEFT JOIN task t ON t.id = c.task LEFT JOIN queue q ON q.id = t.queue ORDER BY c.at`
    // After the commands: a retry ends the wish to cancel the flow, and who knows of the one must know of the other.
    const flows = yield* sql<{ flow: string }>`SELECT flow FROM flow_cancel`
    return {
      pausedQueues: new Set(queues.map((row) => row.queue)),
      pausedKeys: new Set(keys.filter((row) => row.queue === "").map((row) => mailboxKeyOf(row.key))),
      pausedSlots: new Set(
        keys.filter((row) => row.queue !== "").map((row) => slotOf(row.queue, mailboxKeyOf(row.key)))
      ),
      commands: commands.map((row): PendingCommand => ({
        number: Number(row.number),
        task: row.task,
        kind: row.kind,
        at: row.queue === null ? null : { queue: row.queue, partition: row.partition, state: stateOf(row.state) }
      })),
      cancelledFlows: new Set(flows.map((row) => row.flow))
    } satisfies Controls
  }).pipe(refused("read controls"))

  const watch = (changed: () => void) =>
    Effect.asVoid(
      Effect.forkScoped(
        Effect.scoped(
          Effect.gen(function* () {
            const inbox = yield* sql.listen(channel)
            changed()
            while (true) {
              yield* Queue.take(inbox)
              changed()
            }
          })
        ).pipe(
          Effect.tapError((error) => Effect.logDebug("listening for controls ended, listening again", error.message)),
          Effect.retry(Schedule.spaced("500 millis"))
        )
      )
    )

  return {
    read,
    watch,
    pauseQueue: (queue: string, paused: boolean, by: string) =>
      refused("pause queue")(
        Effect.andThen(
          sql`INSERT INTO queue_control (queue, paused, by) VALUES (${queue}, ${paused}, ${by})
            ON CONFLICT (queue) DO UPDATE SET paused = excluded.paused, by = excluded.by, at = now()`,
          tell
        )
      ),
    pauseKey: (key: Uint8Array, paused: boolean, by: string) =>
      refused("pause key")(
        Effect.andThen(
          paused
            ? sql`INSERT INTO key_control (key, paused, by) VALUES (${key}, true, ${by})
                ON CONFLICT (key, queue) DO UPDATE SET paused = true, by = excluded.by, at = now()`
            : sql`DELETE FROM key_control WHERE key = ${key}`,
          tell
        )
      ),
    /** Nothing is asked where the task has ended already. */
    requestCancel: (task: string, by: string) =>
      refused("request cancel")(
        Effect.gen(function* () {
          const rows = yield* sql`INSERT INTO task_command (task, kind, by)
            SELECT ${task}::uuid, 'cancel', ${by} WHERE NOT EXISTS (SELECT 1 FROM task WHERE id = ${task}::uuid AND state > 1)
            ON CONFLICT (task, kind) DO UPDATE SET by = excluded.by, number = excluded.number RETURNING 1 AS asked`
          yield* tell
          return rows.length > 0
        })
      ),
    askedToCancel: (tasks: ReadonlyArray<string>, flows: ReadonlyArray<string>) =>
      sql<{ task: string | null; flow: string | null }>`SELECT task, NULL AS flow FROM task_command
          WHERE kind = 'cancel' AND task = ANY(${tasks}::uuid[])
        UNION ALL SELECT NULL, flow FROM flow_cancel WHERE flow = ANY(${flows}::text[])`.pipe(
        Effect.map((rows) => ({
          tasks: new Set(rows.flatMap(({ task }) => (task === null ? [] : [task]))),
          flows: new Set(rows.flatMap(({ flow }) => (flow === null ? [] : [flow])))
        })),
        refused("read cancels")
      ),
    requestFlowCancel: (flow: string, by: string) =>
      refused("request cancel")(
        Effect.andThen(sql`INSERT INTO flow_cancel (flow, by) VALUES (${flow}, ${by}) ON CONFLICT DO NOTHING`, tell)
      ),
    forgetFlowCancels: (flow: string | null) =>
      refused("forget cancels")(
        sql.unsafe(
          `DELETE FROM flow_cancel f
           WHERE ($1::text IS NULL OR f.flow = $1::text) AND coalesce(${isOverSql("f.flow")}, true)`,
          [flow]
        )
      ),
    requestRetry: (task: string, by: string) =>
      refused("request retry")(
        Effect.gen(function* () {
          const rows = yield* sql.withTransaction(
            Effect.gen(function* () {
              const moved =
                yield* sql`UPDATE task SET state = 0, attempt = 0, crashes = 0, ended_at = NULL, not_before = NULL,
                reason = ${"retried by " + by} WHERE id = ${task}::uuid AND state > 2 AND headers IS NOT NULL RETURNING id`
              if (moved.length > 0) {
                yield* sql`DELETE FROM task_command WHERE task = ${task}::uuid AND kind = 'cancel'`
                yield* sql`DELETE FROM flow_cancel WHERE flow = (SELECT flow FROM task WHERE id = ${task}::uuid)`
                yield* sql`INSERT INTO task_command (task, kind, by) VALUES (${task}::uuid, 'retry', ${by})
                  ON CONFLICT (task, kind) DO UPDATE SET by = excluded.by, number = excluded.number`
              }
              return moved
            })
          )
          yield* tell
          return rows.length > 0
        })
      )
  }
})
