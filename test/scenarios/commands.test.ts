/** Commands of the command line, one after another on one installation, for people and for machines. */
import { assert, describe, it } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { hash } from "node:crypto"
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs"
import * as path from "node:path"
import { lockOf } from "../../src/actors/converter/conversions.ts"
import * as Locks from "../../src/database/Locks.ts"
import { currentRecipe, recipeId } from "../../src/services/images/Recipe.ts"
import { pngOfZeros, syntheticPhoto } from "../support/photos.ts"
import { freshDatabase } from "../support/postgres.ts"
import { temporaryFolder } from "./Installation.ts"
import { runProgram, startProgram } from "./Program.ts"

const linesOf = (out: string) =>
  out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as any)

const environment = (folder: string) =>
  Effect.map(freshDatabase, ({ url }) => ({ DATA_DIR: path.join(folder, "data"), DATABASE_URL: Redacted.value(url) }))

/** Whole processes on a busy machine: the demo alone takes twenty seconds of a core. Only what hangs comes near. */
const processesMs = 180_000

describe("commands", () => {
  it.live(
    "convert reports every picture it could not convert and why, ends with 1, and converts nothing twice",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* temporaryFolder
          const env = yield* environment(folder)
          const photos = path.join(folder, "photos")
          mkdirSync(path.join(photos, "more"), { recursive: true })
          const good = yield* Effect.promise(() => syntheticPhoto({ width: 1_600, height: 1_200, seed: 1 }))
          const files: Record<string, Uint8Array> = {
            "good.jpg": good,
            "more/the same.JPG": good,
            "truncated.jpg": good.subarray(0, 2_000),
            "zero.jpg": new Uint8Array(),
            "bomb.png": pngOfZeros(20_000),
            "text.png": new TextEncoder().encode("no picture at all"),
            "notes.txt": new TextEncoder().encode("not looked at")
          }
          for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(photos, name), bytes)
          const run = runProgram(["convert", photos, "--out", path.join(folder, "out"), "--json"], {
            folder,
            env
          })
          const first = yield* run
          assert.strictEqual(first.code, 1, first.err)
          const lines = linesOf(first.out)
          const failed = new Map(
            lines
              .filter((line) => line.status === "failed")
              .map((line) => [path.basename(line.file), line.reason as string])
          )
          assert.sameMembers([...failed.keys()], ["truncated.jpg", "zero.jpg", "bomb.png", "text.png"])
          assert.match(failed.get("truncated.jpg")!, /Corrupt/)
          assert.match(failed.get("zero.jpg")!, /empty/)
          assert.match(failed.get("bomb.png")!, /LimitExceeded/)
          assert.match(failed.get("text.png")!, /UnsupportedFormat|Corrupt/)
          assert.deepInclude(lines.at(-1), { pictures: 6, converted: 2, failed: 4, known: 1 })
          const out = readdirSync(path.join(folder, "out"))
          assert.sameMembers(
            out,
            ["good.jpg", "more__the same.JPG"].flatMap((name) => [`${name}.preview.jpg`, `${name}.thumbnail.jpg`])
          )
          assert.isAbove(statSync(path.join(folder, "out", "good.jpg.preview.jpg")).size, 10_000)

          const second = linesOf((yield* run).out)
          assert.deepInclude(second.at(-1), { pictures: 6, converted: 2, failed: 4, known: 6 })
          const converted = (yield* runProgram(["tasks", "--queue", "converter", "--json"], {
            folder,
            env
          })).out
          assert.lengthOf(linesOf(converted), 5, "one task for each content, in both runs together")
        })
      ),
    processesMs
  )

  it.live(
    "convert, killed half-way and started again, finishes, decodes nothing twice and tries again what may have passed",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* temporaryFolder
          const { url } = yield* freshDatabase
          const database = yield* Layer.build(
            Layer.orDie(Locks.layer.pipe(Layer.provideMerge(PgClient.layer({ url }))))
          )
          const sql = Context.get(database, SqlClient.SqlClient)
          const env = { DATA_DIR: path.join(folder, "data"), DATABASE_URL: Redacted.value(url) }
          const photos = path.join(folder, "photos")
          const out = path.join(folder, "out")
          mkdirSync(photos)
          const photo = yield* Effect.promise(() => syntheticPhoto({ width: 1_600, height: 1_200, seed: 2 }))
          const another = (mark: string) => Buffer.concat([photo, Buffer.from(mark)])
          const count = 40
          for (let n = 0; n < count; n++) writeFileSync(path.join(photos, `${n}.jpg`), another(`-${n}`))
          writeFileSync(path.join(photos, "cut.jpg"), photo.subarray(0, 2_000))
          const args = ["convert", photos, "--out", out, "--json"]
          yield* Effect.scoped(
            Effect.gen(function* () {
              // Somebody else has one of the pictures: the command cannot have ended before it is killed.
              const held = hash("sha256", another("-7"))
              assert.isTrue(yield* Context.get(database, Locks.Locks).tryTake(lockOf(held, recipeId(currentRecipe))))
              const killed = yield* startProgram(args, { folder, env })
              yield* killed.said(/(.*"status":"succeeded".*\n){10}/)
              yield* killed.signal("SIGKILL")
              yield* killed.ended
              assert.lengthOf(yield* sql`SELECT 1 FROM conversion WHERE sha256 = ${held}`, 0, "killed before its end")
            })
          )

          // A picture that is in quarantine, as after a bad day of the machine.
          const suspect = another("-suspect")
          writeFileSync(path.join(photos, "suspect.jpg"), suspect)
          const refusal = JSON.stringify({ reason: "WorkerCrashed", message: "in quarantine" })
          yield* sql`INSERT INTO conversion (sha256, recipe, refusal, crashes)
            VALUES (${hash("sha256", suspect)}, ${recipeId(currentRecipe)}, ${refusal}, 3)`
          const second = linesOf((yield* runProgram(args, { folder, env })).out)
          assert.deepInclude(second.at(-1), { pictures: count + 2, converted: count, failed: 2 })
          const third = linesOf((yield* runProgram(args, { folder, env })).out)
          assert.deepInclude(third.at(-1), { pictures: count + 2, converted: count + 1, failed: 1, known: count + 2 })

          const decodes = yield* sql<{ decodes: number; n: number }>`
            SELECT decodes, count(*)::int AS n FROM conversion GROUP BY decodes`
          assert.deepStrictEqual([...decodes], [{ decodes: 1, n: count + 2 }])
          const written = readdirSync(out).filter((file) => file.endsWith(".jpg"))
          assert.lengthOf(written, (count + 1) * 2)
        })
      ),
    processesMs
  )

  it.live(
    "token, produce, events, tasks and queues speak JSON to machines and end with the right codes",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* temporaryFolder
          const env = yield* environment(folder)
          const postroom = (...args: ReadonlyArray<string>) => runProgram(args, { folder, env })
          const data = JSON.stringify({ sha256: "a".repeat(64), name: "a picture" })
          const produce = ["produce", "media.uploaded", "--user", "anna", "--id", "one", "--data", data, "--json"]
          const receipt = linesOf((yield* postroom(...produce)).out)[0]
          assert.deepInclude(receipt, { eventId: "one", repeated: false })
          assert.isTrue(linesOf((yield* postroom(...produce)).out)[0].repeated)
          const refused = yield* postroom("produce", "media.uploaded", "--user", "anna", "--data", '{"sha256":5}')
          assert.deepStrictEqual([refused.code, refused.out], [1, ""])
          assert.match(refused.err, /data\.sha256: Expected string.*data\.name: is missing/)

          const shown = linesOf((yield* postroom("tasks", "show", receipt.taskId, "--json")).out)[0]
          assert.deepInclude(shown, { status: "queued", why: "no worker has read it yet" })
          assert.deepInclude(linesOf((yield* postroom("events", "--json")).out)[0], { id: "one", status: "queued" })
          assert.strictEqual(
            (yield* postroom("tasks", "show", "nonsense")).err,
            "postroom: there is no task nonsense\n"
          )
          assert.strictEqual((yield* postroom("queues", "pause", "nothing")).code, 2)

          const topics = Effect.map(postroom("topics", "--json"), ({ out }) =>
            linesOf(out).map(({ name, partitions, records, queues }) => ({ name, partitions, records, queues }))
          )
          // No worker has been here, so no queue is known that reads it.
          assert.deepInclude(yield* topics, { name: "media.uploaded", partitions: 12, records: 1, queues: [] })
          const grow = (name: string, partitions: number) =>
            postroom("topics", "grow", name, "--partitions", String(partitions), "--patience", "0")
          const busy = yield* grow("media.uploaded", 24)
          assert.strictEqual(busy.code, 1)
          assert.match(busy.err, /has as many partitions as before: no queue has read its 1 records yet/)
          assert.strictEqual((yield* grow("posts.ready", 24)).out, "posts.ready has 24 partitions, 12 before\n")
          const grown = (yield* topics).filter(({ partitions }) => partitions === 24).map(({ name }) => name)
          assert.deepStrictEqual(grown, ["posts.ready"])
          assert.match((yield* grow("posts.ready", 6)).err, /none can be taken away/)
          assert.strictEqual((yield* grow("nonsense", 24)).code, 2)
          assert.isTrue(linesOf((yield* postroom(...produce)).out)[0].repeated, "what asks for 12 starts all the same")

          assert.match(linesOf((yield* postroom("token", "--json")).out)[0].token, /^pr_[0-9a-f]{12}\.[\w-]{43}$/)
          const help = yield* postroom("tasks", "--help")
          assert.strictEqual(help.code, 0)
          assert.match(help.out, /EXAMPLES[^]*postroom tasks --status failed/)
          assert.notInclude(help.out, "\u001B[", "no colours where nobody sees them")
        })
      ),
    processesMs
  )
})
