/**
 * How far flows are. Nothing is counted up as tasks end, so nothing has to be
 * locked: a flow has ended when as many of its tasks have ended as its event
 * and its tasks have called for, less the records that were dropped as known.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { texts } from "../../database/columns.ts"
import type { JournalError } from "../JournalError.ts"
import { refused } from "./refused.ts"

export interface FlowProgress {
  readonly flow: string
  /** Tasks that are known to belong to it so far. */
  readonly expected: number
  readonly ended: number
  /** Tasks that failed, were cancelled or could not be read. */
  readonly endedBadly: number
  readonly isOver: boolean
}

/** Of the event `e` with its tasks `t`, grouped by the event. */
const expected = `e.awaits + coalesce(sum(t.emitted), 0) - (SELECT count(*) FROM flow_skip s WHERE s.flow = e.id)`
const ended = `count(t.id) FILTER (WHERE t.state >= 2)`

/** Whether the flow of the event whose id this expression says is over, as SQL; null where there is no such event. */
export const isOverSql = (id: string) =>
  `(SELECT ${ended} >= ${expected} FROM event e LEFT JOIN task t ON t.flow = e.id WHERE e.id = ${id} GROUP BY e.id)`

/** Progress of the flows of these events; ids of no event are left out. */
export const flowProgress = (
  events: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<FlowProgress>, JournalError, SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    refused("read flows")(
      Effect.map(
        sql.unsafe<{ id: string; expected: bigint; ended: bigint; badly: bigint }>(
          `SELECT e.id, ${expected} AS expected, ${ended} AS ended, count(t.id) FILTER (WHERE t.state > 2) AS badly
           FROM event e LEFT JOIN task t ON t.flow = e.id WHERE e.id = ANY ($1::text[]) GROUP BY e.id`,
          [texts(events)]
        ),
        (rows) =>
          rows.map((row) => {
            const expected = Number(row.expected)
            const ended = Number(row.ended)
            return { flow: row.id, expected, ended, endedBadly: Number(row.badly), isOver: ended >= expected }
          })
      )
    )
  )
