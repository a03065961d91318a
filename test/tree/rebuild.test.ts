/** Pictures that are made anew: which, that each is queued once, and that they are there in the end. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { makeBackfill, makeConverter } from "../../src/actors/converter/converter.ts"
import { countOutdated, rebuild } from "../../src/actors/converter/rebuild.ts"
import { makeTree } from "../../src/actors/tree/tree.ts"
import { startInstallation, temporaryFolder } from "../scenarios/Installation.ts"
import { runProgram } from "../scenarios/Program.ts"
import { syntheticPhoto } from "../support/photos.ts"
import { freshDatabase } from "../support/postgres.ts"
import { untilSo } from "../support/until.ts"
import { uploaded } from "./exportsWorld.ts"
import { readFile, untilContent } from "./filesWorld.ts"

describe("pictures of items", () => {
  it.live(
    "are made anew where they are of an older recipe or missing, each once, and nothing else is",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const site = yield* startInstallation<any>({
            actors: [makeTree(null), makeConverter(null), makeBackfill(null)]
          })
          const { client } = site
          const sql = yield* Effect.provide(SqlClient.SqlClient, site.context)
          const photo = (seed: number) => Effect.promise(() => syntheticPhoto({ width: 400, height: 300, seed }))
          const make = (name: string, bytes: Uint8Array, status: string) =>
            Effect.gen(function* () {
              const item = yield* uploaded(site, "anna", name, bytes)
              yield* untilContent(client, "anna", item, status)
              return item
            })
          const lost = yield* make("lost.jpg", yield* photo(1), "available")
          const old = yield* make("old.jpg", yield* photo(2), "available")
          yield* make("sound.jpg", yield* photo(3), "available")
          yield* make("text.txt", Buffer.from("a text"), "available")
          yield* make("broken.jpg", (yield* photo(4)).subarray(0, 1_000), "failed")
          const count = Effect.provide(countOutdated, site.context)
          const run = (name: string) =>
            Effect.provide(
              rebuild(name, () => Effect.void),
              site.context as never
            ) as Effect.Effect<number>
          assert.strictEqual(yield* count, 0)

          yield* sql`DELETE FROM item_blob WHERE item = ${lost}::uuid AND role <> 'content'`
          const sha256 = (yield* client.get(`/items/${old}?user=anna`)).body.item.content.sha256
          yield* sql`UPDATE conversion SET recipe = 'an older one' WHERE sha256 = ${sha256}`
          assert.strictEqual(yield* count, 2)
          // Cut off and begun again: the same records, which make no second task.
          assert.strictEqual(yield* run("today"), 2)
          yield* run("today")
          yield* untilSo(
            "both are there",
            Effect.map(count, (n) => n === 0),
            60
          )
          assert.strictEqual(yield* run("today"), 0)
          const tasks = sql<{ n: bigint }>`SELECT count(*) AS n FROM task WHERE type = 'media.backfill'`
          const attached = sql<{ n: bigint }>`SELECT count(*) AS n FROM tree_operation WHERE kind = 'attach'`
          yield* untilSo(
            "both tasks are written down",
            Effect.map(tasks, ([row]) => row!.n === 2n)
          )
          // Four by the uploads.
          yield* untilSo(
            "both are attached",
            Effect.map(attached, ([row]) => row!.n === 4n + 2n)
          )
          for (const item of [lost, old])
            assert.strictEqual((yield* readFile(site, `/items/${item}/preview?user=anna`)).status, 200)
        })
      ),
    120_000
  )

  it.live(
    "are queued from the command line, where none is there too",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* temporaryFolder
          const { url } = yield* freshDatabase
          const env = { DATA_DIR: folder, DATABASE_URL: Redacted.value(url) }
          const { code, out, err } = yield* runProgram(["media", "rebuild", "--json"], { folder, env })
          assert.deepStrictEqual([code, out, err], [0, `{"pictures":0}\n`, ""])
        })
      ),
    60_000
  )
})
