/**
 * The flush as one transaction. The fence comes first: the positions' rows are
 * updated only where the epoch is still the newest, and when fewer rows come
 * back than were sent, everything is rolled back and the stale ones are named.
 */
import { Data, Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError, Statement } from "effect/sql"
import { bigints, byteas, instants, ints, smallints, texts, uuids } from "../../database/columns.ts"
import type { Task } from "../../domain/Task.ts"
import { isFinal } from "../../domain/TaskState.ts"
import type { Batch, QueuePartition } from "../Journal.ts"
import { isPlain, plainParameters, taskParameters, upsertPlainTasks, upsertTasks } from "./TaskRows.ts"

class Stale extends Data.TaggedError("Stale")<{ readonly partitions: ReadonlyArray<QueuePartition> }> {}

/** Some of the batch's tasks had ended before: what goes with their ends must not be written again. */
class EndedBefore extends Data.TaggedError("EndedBefore") {}

/** A statement may touch a row only once: of several writes of one task the first end counts, else the last. */
const oneRowEach = (tasks: ReadonlyArray<Task>): ReadonlyArray<Task> => {
  const rows = new Map<string, Task>()
  for (const task of tasks) {
    const before = rows.get(task.id)
    if (before === undefined) rows.set(task.id, task)
    else if (!isFinal(before.state))
      rows.set(task.id, { ...task, record: task.state === "succeeded" ? null : (task.record ?? before.record) })
  }
  return rows.size === tasks.length ? tasks : [...rows.values()]
}

const fence = `
UPDATE assignment a SET next_offset = greatest(a.next_offset, v.next_offset), batch = $5::int8
FROM unnest($1::int2[], $2::int4[], $3::int8[], $4::int8[]) v (queue, partition, epoch, next_offset)
WHERE a.queue = v.queue AND a.partition = v.partition AND a.epoch = v.epoch AND a.batch <> $5::int8
RETURNING a.queue, a.partition`

const appliedBefore = `
SELECT 1 AS one FROM assignment a
JOIN unnest($1::int2[], $2::int4[], $3::int8[]) v (queue, partition, epoch)
  ON a.queue = v.queue AND a.partition = v.partition AND a.epoch = v.epoch
WHERE a.batch = $4::int8 LIMIT 1`

/** How many rows a statement inserted or changed. */
const changedBy = (statement: Statement.Statement<object>): Effect.Effect<number, SqlError.SqlError> =>
  Effect.map(statement.raw, (result) => (result as { readonly rowCount: number }).rowCount)

export const makeCommit = (queueId: (name: string) => number) =>
  Effect.map(SqlClient.SqlClient, (sql) => {
    /** Passes the fence and answers true; false where the batch is in the journal already. */
    const isNew = Effect.fnUntraced(function* ({ positions, number }: Batch) {
      if (positions.length === 0) return true
      const slots = (of: Batch["positions"]) => [
        smallints(of.map((p) => queueId(p.queue))),
        ints(of.map((p) => p.partition)),
        bigints(of.map((p) => p.epoch))
      ]
      const rows = yield* sql.unsafe<{ queue: number; partition: number }>(fence, [
        ...slots(positions),
        bigints(positions.map((p) => p.nextOffset)),
        BigInt(number)
      ])
      if (rows.length === positions.length) return true
      const held = new Set(rows.map((row) => `${row.queue}/${row.partition}`))
      const refused = positions.filter((p) => !held.has(`${queueId(p.queue)}/${p.partition}`))
      if ((yield* sql.unsafe(appliedBefore, [...slots(refused), BigInt(number)])).length > 0) return false
      return yield* new Stale({ partitions: refused.map(({ queue, partition }) => ({ queue, partition })) })
    })

    const write = Effect.fnUntraced(function* (batch: Batch, isChecked: boolean) {
      const tasks = oneRowEach(batch.tasks)
      const plain = tasks.filter(isPlain)
      let stored = 0
      if (plain.length > 0) {
        stored += yield* changedBy(sql.unsafe(upsertPlainTasks, plainParameters(plain, queueId)))
      }
      if (plain.length < tasks.length) {
        const rest = tasks.filter((task) => !isPlain(task))
        stored += yield* changedBy(sql.unsafe(upsertTasks, taskParameters(rest, queueId)))
      }
      if (stored < tasks.length && batch.states.length > 0 && !isChecked) return yield* new EndedBefore()
      if (batch.attempts.length > 0) {
        const rows = batch.attempts
        yield* sql.unsafe(
          `INSERT INTO attempt (task, number, started_at, ended_at, outcome, reason, detail)
           SELECT * FROM unnest($1::uuid[], $2::int4[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[], $7::text[])
           ON CONFLICT DO NOTHING`,
          [
            uuids(rows.map((r) => r.task)),
            ints(rows.map((r) => r.number)),
            instants(rows.map((r) => r.startedAt)),
            instants(rows.map((r) => r.endedAt)),
            texts(rows.map((r) => r.outcome)),
            texts(rows.map((r) => r.reason)),
            texts(rows.map((r) => r.detail))
          ]
        )
      }
      if (batch.steps.length > 0) {
        const rows = batch.steps
        // The first stored result wins: what was seen once is what stays.
        yield* sql.unsafe(
          `INSERT INTO step (task, name, result, at) SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
           ON CONFLICT DO NOTHING`,
          [
            uuids(rows.map((r) => r.task)),
            texts(rows.map((r) => r.name)),
            texts(rows.map((r) => r.result)),
            instants(rows.map((r) => r.at))
          ]
        )
      }
      if (batch.logs.length > 0) {
        const rows = batch.logs
        yield* sql.unsafe(
          `INSERT INTO task_log (task, seq, at, level, message)
           SELECT * FROM unnest($1::uuid[], $2::int8[], $3::timestamptz[], $4::text[], $5::text[]) ON CONFLICT DO NOTHING`,
          [
            uuids(rows.map((r) => r.task)),
            bigints(rows.map((r) => r.seq)),
            instants(rows.map((r) => r.at)),
            texts(rows.map((r) => r.level)),
            texts(rows.map((r) => r.message))
          ]
        )
      }
      if (batch.states.length > 0) {
        // Later writes of one key come later in the batch; a statement may touch a row only once.
        const rows = [
          ...new Map(
            batch.states.map((r) => [`${r.queue}\n${Buffer.from(r.key).toString("latin1")}\n${r.name}`, r])
          ).values()
        ]
        const queues = smallints(rows.map((r) => queueId(r.queue)))
        const keys = byteas(rows.map((r) => r.key))
        const names = texts(rows.map((r) => r.name))
        const values = texts(rows.map((r) => r.value))
        yield* sql.unsafe(
          `INSERT INTO actor_state (queue, key, name, value)
           SELECT * FROM unnest($1::int2[], $2::bytea[], $3::text[], $4::text[]) s (queue, key, name, value) WHERE value IS NOT NULL
           ON CONFLICT (queue, key, name) DO UPDATE SET value = excluded.value`,
          [queues, keys, names, values]
        )
        if (rows.some((r) => r.value === null)) {
          yield* sql.unsafe(
            `DELETE FROM actor_state a USING unnest($1::int2[], $2::bytea[], $3::text[], $4::text[]) s (queue, key, name, value)
             WHERE s.value IS NULL AND a.queue = s.queue AND a.key = s.key AND a.name = s.name`,
            [queues, keys, names, values]
          )
        }
      }
      if (batch.holds.length > 0) {
        const rows = batch.holds
        yield* sql.unsafe(
          `INSERT INTO key_control (key, queue, paused, by) SELECT key, queue, true, by
           FROM unnest($1::bytea[], $2::text[], $3::text[]) h (key, queue, by) ON CONFLICT DO NOTHING`,
          [byteas(rows.map((r) => r.key)), texts(rows.map((r) => r.queue)), texts(rows.map((r) => r.reason))]
        )
      }
      if (batch.skips.length > 0) {
        const rows = batch.skips
        yield* sql.unsafe(
          `INSERT INTO flow_skip (flow, task, "offset") SELECT * FROM unnest($1::text[], $2::uuid[], $3::int8[]) ON CONFLICT DO NOTHING`,
          [texts(rows.map((r) => r.flow)), uuids(rows.map((r) => r.task)), bigints(rows.map((r) => r.offset))]
        )
      }
      if (batch.commands.length > 0) {
        yield* sql.unsafe(`DELETE FROM task_command WHERE number = ANY($1::int8[])`, [bigints(batch.commands)])
      }
    })

    /**
     * The batch without the states of tasks that have ended before. None should: whoever runs a task again that has
     * ended has a fault, and this keeps it from counting twice.
     */
    const withoutEnded = Effect.fnUntraced(function* (batch: Batch) {
      const ids = [...new Set(batch.states.map(({ task }) => task))]
      const rows = yield* sql.unsafe<{ id: string }>(`SELECT id FROM task WHERE id = ANY ($1::uuid[]) AND state > 1`, [
        uuids(ids)
      ])
      if (rows.length === 0) return batch
      const ended = new Set(rows.map(({ id }) => id))
      yield* Effect.logError("tasks ended a second time, what they changed is left as it was", [...ended].join(" "))
      return { ...batch, states: batch.states.filter(({ task }) => !ended.has(task)) }
    })

    return <E, R>(batch: Batch, alongside: Effect.Effect<unknown, E, R>) => {
      const transaction = (of: Batch, isChecked: boolean) =>
        sql.withTransaction(
          Effect.gen(function* () {
            if (yield* isNew(of)) {
              yield* write(of, isChecked)
              yield* alongside
            }
            return [] as ReadonlyArray<QueuePartition>
          })
        )
      return transaction(batch, false).pipe(
        Effect.catchIf(
          (error): error is EndedBefore => error instanceof EndedBefore,
          () => Effect.flatMap(withoutEnded(batch), (rest) => transaction(rest, true))
        ),
        Effect.catchIf(
          (error): error is Stale => error instanceof Stale,
          (stale) => Effect.succeed(stale.partitions)
        )
      ) as Effect.Effect<ReadonlyArray<QueuePartition>, SqlError.SqlError | E, R>
    }
  })
