/**
 * What became of pictures, by their bytes and the recipe: the same picture is
 * decoded once, whoever uploads it, also where nothing could be made of it, and
 * one that keeps killing the decoder is not tried for ever.
 */
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import type { Migration } from "../../database/Migration.ts"

export const converterMigrations: ReadonlyArray<Migration> = [
  {
    component: "converter",
    version: 1,
    name: "conversions",
    statements: [
      `CREATE TABLE conversion (
        sha256 text NOT NULL, recipe text NOT NULL, result text, crashes int NOT NULL DEFAULT 0,
        at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (sha256, recipe))`
    ]
  },
  {
    component: "converter",
    version: 2,
    name: "what is refused, and how often pictures were decoded",
    statements: [
      // How often it was decoded to an end, good or bad: more than once is work done twice.
      `ALTER TABLE conversion ADD COLUMN refusal text, ADD COLUMN decodes int NOT NULL DEFAULT 0`
    ]
  }
]

/** How often a picture may kill the process that decodes it before it is in quarantine. */
export const mostCrashes = 3

/** Why nothing can be made of a picture. */
export const Refusal = Schema.Struct({
  /** What kind of failure, in one word: that of an `ImageError`. */
  reason: Schema.String,
  /** Fit to be shown to whoever uploaded it. */
  message: Schema.String
})
export type Refusal = typeof Refusal.Type

const RefusalJson = Schema.fromJsonString(Refusal)
const decodeRefusal = Schema.decodeSync(RefusalJson)
const encodeRefusal = Schema.encodeSync(RefusalJson)

export interface Conversion {
  /** JSON of the result; null where there is none. */
  readonly result: string | null
  readonly refusal: Refusal | null
  readonly crashes: number
}

const nothing: Conversion = { result: null, refusal: null, crashes: 0 }

/** The lock that whoever converts a picture holds, in all processes of an installation. */
export const lockOf = (sha256: string, recipe: string): string => `conversion ${recipe} ${sha256}`

/** What is known of a picture under a recipe. */
export const knownConversion = (sha256: string, recipe: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      sql<{ result: string | null; refusal: string | null; crashes: number }>`
        SELECT result, refusal, crashes FROM conversion WHERE sha256 = ${sha256} AND recipe = ${recipe}`,
      ([row]): Conversion =>
        row === undefined ? nothing : { ...row, refusal: row.refusal === null ? null : decodeRefusal(row.refusal) }
    )
  )

/** Keeps a result for the next upload of the same bytes. */
export const keepConversion = (sha256: string, recipe: string, result: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.asVoid(sql`INSERT INTO conversion (sha256, recipe, result, decodes) VALUES (${sha256}, ${recipe}, ${result}, 1)
      ON CONFLICT (sha256, recipe) DO UPDATE SET result = excluded.result, refusal = NULL, crashes = 0,
        decodes = conversion.decodes + 1, at = now()`)
  )

/** Keeps why nothing can be made of these bytes, until somebody asks for another try. */
export const keepRefusal = (sha256: string, recipe: string, refusal: Refusal) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.asVoid(sql`INSERT INTO conversion (sha256, recipe, refusal, decodes)
      VALUES (${sha256}, ${recipe}, ${encodeRefusal(refusal)}, 1)
      ON CONFLICT (sha256, recipe) DO UPDATE SET refusal = excluded.refusal, decodes = conversion.decodes + 1, at = now()`)
  )

/** Forgets what stands against a picture: it is tried as if it had come for the first time. */
export const pardon = (sha256: string, recipe: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.asVoid(
      sql`UPDATE conversion SET refusal = NULL, crashes = 0 WHERE sha256 = ${sha256} AND recipe = ${recipe}`
    )
  )

/** Counts that a picture killed its decoder; answers how often it has. */
export const countCrash = (sha256: string, recipe: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      sql<{ crashes: number }>`INSERT INTO conversion (sha256, recipe, crashes) VALUES (${sha256}, ${recipe}, 1)
        ON CONFLICT (sha256, recipe) DO UPDATE SET crashes = conversion.crashes + 1, at = now() RETURNING crashes`,
      ([row]) => row!.crashes
    )
  )

/** Whether a task has failed before and was asked for again: it ends only once by itself. */
export const wasRetried = (task: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      sql`SELECT 1 AS found FROM attempt WHERE task = ${task}::uuid AND outcome = 'failed' LIMIT 1`,
      (rows) => rows.length > 0
    )
  )
