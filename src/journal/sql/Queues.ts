/** Queues by name and number: rows store the number, the port speaks in names. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { texts } from "../../database/columns.ts"
import type { QueueInfo } from "../Journal.ts"
import { refused } from "./refused.ts"

export const makeQueues = Effect.map(SqlClient.SqlClient, (sql) => {
  const ids = new Map<string, number>()
  const register = Effect.fn("Journal.register")(function* (queues: ReadonlyArray<QueueInfo>) {
    const sorted = [...queues].sort((a, b) => (a.name < b.name ? -1 : 1))
    const rows = yield* sql.withTransaction(
      Effect.andThen(
        sql.unsafe(
          `INSERT INTO queue (name, topic, priority, off)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) ORDER BY 1
           ON CONFLICT (name) DO UPDATE SET topic = excluded.topic, priority = excluded.priority, off = excluded.off`,
          [
            texts(sorted.map((q) => q.name)),
            texts(sorted.map((q) => q.topic)),
            texts(sorted.map((q) => q.priority)),
            texts(sorted.map((q) => q.off))
          ]
        ),
        sql<{ id: number; name: string }>`SELECT id, name FROM queue`
      )
    )
    for (const row of rows) ids.set(row.name, row.id)
  }, refused("register queues"))
  return {
    register,
    /** The queue's number; -1, which no row has, for one that was never registered. */
    id: (name: string): number => ids.get(name) ?? -1
  }
})
