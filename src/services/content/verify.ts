/** Reads blobs that rows vouch for, and says which are not there or not what they were. Changes nothing. */
import { Effect, Option, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { createHash } from "node:crypto"
import { Blobs } from "../blobs/Blobs.ts"

export interface Verified {
  readonly checked: number
  /** Names of blobs that the store does not have. */
  readonly missing: ReadonlyArray<string>
  /** Names of blobs whose bytes have another hash. */
  readonly damaged: ReadonlyArray<string>
}

type Verdict = "sound" | "missing" | "damaged"

const verdictOf = Effect.fnUntraced(function* (sha256: string) {
  const blobs = yield* Blobs
  const hash = createHash("sha256")
  return yield* Stream.runForEach(blobs.get(sha256), (part) => Effect.sync(() => void hash.update(part))).pipe(
    Effect.map((): Verdict => (hash.digest("hex") === sha256 ? "sound" : "damaged")),
    Effect.catchReason("BlobError", "NotFound", () => Effect.succeed("missing" as const)),
    Effect.catchReason("BlobError", "Corrupt", () => Effect.succeed("damaged" as const))
  )
})

const chunk = 500

/** Names of all blobs that rows vouch for, or of some drawn by chance. */
const namesOf = (sample: number | null) =>
  Stream.unwrap(
    Effect.map(SqlClient.SqlClient, (sql) => {
      const page = (after: string) =>
        sample === null
          ? sql.unsafe<{ sha256: string }>(
              `SELECT sha256 FROM blob WHERE unreferenced_at IS NULL AND sha256 > $1 ORDER BY sha256 LIMIT ${chunk}`,
              [after]
            )
          : sql.unsafe<{ sha256: string }>(
              `SELECT sha256 FROM blob WHERE unreferenced_at IS NULL ORDER BY random() LIMIT $1`,
              [sample]
            )
      return Stream.paginate("", (after: string) =>
        Effect.map(page(after), (rows) => {
          const names = rows.map(({ sha256 }) => sha256)
          const isLast = sample !== null || names.length < chunk
          return [names, isLast ? Option.none<string>() : Option.some(names.at(-1)!)] as const
        })
      )
    })
  )

/** Verifies all blobs, or `sample` of them. */
export const verify = Effect.fn("content.verify")(function* (
  sample: number | null,
  progress: (checked: number) => Effect.Effect<void>
) {
  const missing: Array<string> = []
  const damaged: Array<string> = []
  let checked = 0
  yield* namesOf(sample).pipe(
    Stream.mapEffect((sha256) => Effect.map(verdictOf(sha256), (verdict) => ({ sha256, verdict })), { concurrency: 4 }),
    Stream.runForEach(({ sha256, verdict }) => {
      if (verdict === "missing") missing.push(sha256)
      if (verdict === "damaged") damaged.push(sha256)
      checked++
      return checked % chunk === 0 ? progress(checked) : Effect.void
    })
  )
  return { checked, missing: missing.sort(), damaged: damaged.sort() } satisfies Verified
})
