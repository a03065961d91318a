/**
 * Keeps posted events, many callers' in one transaction. Ids are inserted in
 * sorted order, so that processes that take in the same events never deadlock.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { ints, texts, uuids } from "../../database/columns.ts"
import type { Preface } from "../../domain/Preface.ts"
import type { Acceptance, NewEvent } from "../Journal.ts"
import { refused } from "./refused.ts"

const columns = ["text", "text", "text", "text", "uuid", "text", "text", "int4"]

const insert = (from: number): string =>
  `INSERT INTO event (id, type, user_key, queue, task, fingerprint, data, awaits)
   SELECT * FROM unnest(${columns.map((type, i) => `$${from + i}::${type}[]`).join(", ")})`

/** The rows of `events`, whose ids differ, as one INSERT. */
export const acceptance = (events: ReadonlyArray<NewEvent>): Preface => {
  const sorted = [...events].sort((a, b) => (a.id < b.id ? -1 : 1))
  return {
    insert,
    parameters: [
      texts(sorted.map((e) => e.id)),
      texts(sorted.map((e) => e.type)),
      texts(sorted.map((e) => e.user)),
      texts(sorted.map((e) => e.queue)),
      uuids(sorted.map((e) => e.task)),
      texts(sorted.map((e) => e.fingerprint)),
      texts(sorted.map((e) => e.data)),
      ints(sorted.map((e) => e.awaits))
    ]
  }
}

export const makeAccept = Effect.map(
  SqlClient.SqlClient,
  (sql) =>
    <E, R>(
      events: ReadonlyArray<NewEvent>,
      alongside: (fresh: ReadonlyArray<NewEvent>) => Effect.Effect<unknown, E, R>
    ) =>
      refused("accept events")(
        sql.withTransaction(
          Effect.gen(function* () {
            // The first of equal ids in one batch is the one that may be kept.
            const first = new Map<string, NewEvent>()
            for (const event of events) if (!first.has(event.id)) first.set(event.id, event)
            const { insert, parameters } = acceptance([...first.values()])
            const rows = yield* sql.unsafe<{ id: string }>(
              `${insert(1)} ON CONFLICT (id) DO NOTHING RETURNING id`,
              parameters
            )
            const kept = new Set(rows.map((row) => row.id))
            const fresh = events.filter((event) => kept.has(event.id) && first.get(event.id) === event)
            const isKnown = fresh.length < events.length
            const known = isKnown
              ? yield* sql.unsafe<{ id: string; fingerprint: string }>(
                  `SELECT id, fingerprint FROM event WHERE id = ANY ($1::text[])`,
                  [texts([...first.keys()])]
                )
              : []
            const prints = new Map(known.map((row) => [row.id, row.fingerprint]))
            if (fresh.length > 0) yield* alongside(fresh)
            const isFresh = new Set(fresh)
            return events.map((event): Acceptance => {
              if (isFresh.has(event)) return "accepted"
              return prints.get(event.id) === event.fingerprint ? "repeated" : "conflict"
            })
          })
        )
      )
)
