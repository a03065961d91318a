/**
 * Pictures of items that are to be made anew: those of an older recipe, and
 * those that are missing. They go to the backfill, behind what somebody waits
 * for. What was refused for good under the recipe in use is left alone. Stopped
 * half-way and begun again, it hands on the same records, which are dropped.
 */
import { Clock, Effect, Option, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { headersOf } from "../../domain/Envelope.ts"
import { uuidOf } from "../../domain/ids.ts"
import { Producer } from "../../runtime/Producer.ts"
import { currentRecipe, recipeId } from "../../services/images/Recipe.ts"
import { mediaBackfill } from "../../topics/mediaBackfill.ts"
import * as Topic from "../../topics/Topic.ts"

interface Outdated {
  readonly item: string
  readonly owner: string
  readonly gen: number
  readonly sha256: string
  readonly name: string
  /** What the item shows now; null where that is nothing. */
  readonly preview: string | null
}

/** $1 is the recipe in use. What the converter made by it is what the item has to show. */
const outdated = `item_content c JOIN item i ON i.id = c.item JOIN item_state s ON s.id = c.item
  JOIN tree_user u ON u.id = c.owner
  JOIN item_blob b ON b.item = c.item AND b.role = 'content' AND b.gen = c.gen JOIN blob f ON f.sha256 = b.sha256
  LEFT JOIN item_blob p ON p.item = c.item AND p.role = 'preview'
  LEFT JOIN conversion v ON v.sha256 = b.sha256 AND v.recipe = $1
  WHERE s.deleted_with IS NULL AND v.refusal IS NULL
    AND (f.media_type LIKE 'image/%' OR f.media_type LIKE 'video/%' OR f.media_type = 'application/pdf')
    AND (v.result IS NULL OR p.sha256 IS DISTINCT FROM v.result::jsonb -> 'preview' ->> 'sha256')`

const recipe = recipeId(currentRecipe)

/** How many items have pictures that are to be made anew. */
export const countOutdated = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<{ n: bigint }>(`SELECT count(*) AS n FROM ${outdated}`, [recipe])
  return Number(row!.n)
})

const page = 500
const first = "00000000-0000-0000-0000-000000000000"

const pages = Stream.paginate(first, (after: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql.unsafe<Outdated>(
      `SELECT c.item, u.name AS owner, c.gen, b.sha256, i.name, p.sha256 AS preview FROM ${outdated}
         AND c.item > $2::uuid ORDER BY c.item LIMIT ${page}`,
      [recipe, after]
    )
    const last = rows.length < page ? undefined : rows.at(-1)
    return [[rows], last === undefined ? Option.none<string>() : Option.some(last.item)] as const
  })
)

const recordOf = Effect.fnUntraced(function* ({ item, owner, gen, sha256, name, preview }: Outdated, run: string) {
  const value = { owner, picture: { sha256, name, item: { id: item, gen } } }
  const id = uuidOf(["rebuild", recipe, item, gen, preview ?? "", run].join("\n"))
  const time = yield* Clock.currentTimeMillis
  return {
    topic: mediaBackfill.name,
    key: Topic.keyOfUser(sha256),
    value: yield* Topic.encodeValue(mediaBackfill, value),
    headers: headersOf({ id, type: mediaBackfill.type, source: "/postroom/rebuild", time, priority: "low" })
  }
})

/**
 * Hands on all that is outdated; answers how many. The same item is handed on once in each `run`, so that what could not
 * be made is tried again in the next one.
 */
export const rebuild = Effect.fn("converter.rebuild")(function* (
  run: string,
  progress: (count: number) => Effect.Effect<void>
) {
  const producer = yield* Producer
  let count = 0
  yield* Stream.runForEach(pages, (rows) =>
    Effect.gen(function* () {
      if (rows.length === 0) return
      yield* producer.send(yield* Effect.forEach(rows, (row) => recordOf(row, run)))
      count += rows.length
      yield* progress(count)
    })
  )
  return count
})
