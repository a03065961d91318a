/** `postroom blobs` as its user runs it: files move to a bucket and back, and damage is named. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import { Blobs } from "../../src/services/blobs/Blobs.ts"
import { layerFileBlobs } from "../../src/services/blobs/FileBlobs.ts"
import { s3Keys, startBucket } from "../support/s3Server.ts"
import { freshDatabase } from "../support/postgres.ts"
import { temporaryFolder } from "./Installation.ts"
import { runProgram } from "./Program.ts"

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex")
const names = ["one", "two"].map(hashOf).sort()

describe("postroom blobs", () => {
  it.live(
    "moves all files to a bucket and back, each once, says which are damaged, and ends with the right codes",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* temporaryFolder
          const bucket = yield* startBucket
          const { url } = yield* freshDatabase
          const files = path.join(folder, "files")
          yield* Effect.provide(
            Blobs.use((blobs) => Effect.forEach(["one", "two"], (text) => blobs.put(Buffer.from(text)))),
            layerFileBlobs({ folder: files })
          )
          const env = {
            DATA_DIR: folder,
            DATABASE_URL: Redacted.value(url),
            BLOBS_S3_URL: bucket.url,
            BLOBS_S3_REGION: s3Keys.region,
            BLOBS_S3_KEY: s3Keys.accessKeyId,
            BLOBS_S3_SECRET: s3Keys.secretAccessKey
          }
          const run = (...args: ReadonlyArray<string>) =>
            Effect.map(runProgram(["blobs", ...args, "--json"], { folder, env }), ({ code, out, err }) => ({
              code,
              said: err === "" ? (JSON.parse(out) as unknown) : err
            }))
          const moved = { copied: 2, known: 0, bytes: 6, damaged: [] }
          assert.deepStrictEqual(yield* run("migrate", "--to", "s3"), { code: 0, said: moved })
          assert.deepStrictEqual(
            [...bucket.objects.keys()].sort(),
            names.map((name) => `sha256/${name}`)
          )
          const again = { copied: 0, known: 2, bytes: 0, damaged: [] }
          assert.deepStrictEqual(yield* run("migrate", "--to", "s3"), { code: 0, said: again })

          fs.rmSync(path.join(files, "sha256"), { recursive: true })
          const [first = "", second = ""] = names
          const key = `sha256/${first}`
          bucket.objects.set(key, { ...bucket.objects.get(key)!, bytes: Buffer.from("bad") })
          assert.deepStrictEqual(yield* run("migrate", "--to", "folder"), {
            code: 1,
            said: { copied: 1, known: 0, bytes: 3, damaged: [first] }
          })
          assert.isTrue(fs.existsSync(path.join(files, "sha256", second.slice(0, 2), second.slice(2, 4), second)))
          // Nothing refers to them, so there is nothing to vouch for; and none is old.
          assert.deepStrictEqual(yield* run("verify"), { code: 0, said: { checked: 0, missing: [], damaged: [] } })
          assert.deepStrictEqual(yield* run("sweep"), {
            code: 0,
            said: { exports: 0, holds: 0, marked: 0, removed: 0, orphans: 0, bytes: 0 }
          })
        })
      ),
    60_000
  )
})
