/**
 * Keeps topics as they are until the caller's transaction ends: their rows are
 * locked against growth, and where one has grown since its records were placed
 * the statement fails. The lock is shared, so nobody waits but who grows it.
 * All who lock several do it in the order of their names, as those who make
 * topics do: nobody waits for each other.
 */
import { ints, smallints } from "../../database/columns.ts"
import type { Place } from "../rows/places.ts"
import { ifStill } from "../rows/refused.ts"

/** A query of a row `still` for each topic; its parameters are the two from number `first` on. */
export const settled = (first: number): string =>
  `SELECT 1 / ${ifStill("t.partitions = c.partitions")} AS still
   FROM topic t JOIN unnest($${first}::int2[], $${first + 1}::int4[]) c (id, partitions) ON t.id = c.id
   ORDER BY t.name COLLATE "C" FOR SHARE OF t`

/** Its parameters for records that were given these places. */
export const settledBy = (places: ReadonlyArray<Place>) => {
  const topics = [...new Map(places.map(({ topic }) => [topic.id, topic])).values()]
  return [smallints(topics.map(({ id }) => id)), ints(topics.map(({ partitions }) => partitions))] as const
}
