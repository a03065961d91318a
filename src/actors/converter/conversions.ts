/**
 * What became of pictures, by their bytes and the recipe: the same picture is
 * converted once, whoever uploads it, and one that keeps killing the decoder
 * is not tried for ever.
 */
import { Effect } from "effect"
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
  }
]

/** How often a picture may kill the process that decodes it before it is in quarantine. */
export const mostCrashes = 3

export interface Conversion {
  /** JSON of the result; null where there is none yet. */
  readonly result: string | null
  readonly crashes: number
}

/** What is known of a picture under a recipe. */
export const knownConversion = (sha256: string, recipe: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      sql<Conversion>`SELECT result, crashes FROM conversion WHERE sha256 = ${sha256} AND recipe = ${recipe}`,
      ([row]): Conversion => row ?? { result: null, crashes: 0 }
    )
  )

/** Keeps a result for the next upload of the same bytes. */
export const keepConversion = (sha256: string, recipe: string, result: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.asVoid(sql`INSERT INTO conversion (sha256, recipe, result) VALUES (${sha256}, ${recipe}, ${result})
      ON CONFLICT (sha256, recipe) DO UPDATE SET result = excluded.result, crashes = 0, at = now()`)
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
