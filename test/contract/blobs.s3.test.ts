/**
 * The blob store in a bucket passes the contract of all stores (S5), over a real socket; and it meets what buckets do
 * to their clients. With S3_TEST_URL (and S3_TEST_KEY, S3_TEST_SECRET) the contract runs against that bucket too.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Redacted, Stream } from "effect"
import { createHash, randomUUID } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { Blobs } from "../../src/services/blobs/Blobs.ts"
import { layerS3Blobs } from "../../src/services/blobs/s3/S3Blobs.ts"
import { partSize } from "../../src/services/blobs/s3/upload.ts"
import { s3Keys, startBucket } from "../support/s3Server.ts"
import { blobsContract } from "./blobs-contract.ts"

const scratch = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "postroom-s3-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
)

const storeAt = (url: string, folder: string, keys: { readonly [name in keyof typeof s3Keys]: string } = s3Keys) =>
  layerS3Blobs({ url, folder, ...keys, secretAccessKey: Redacted.make(keys.secretAccessKey) })

blobsContract(
  "a bucket",
  Layer.unwrap(
    Effect.map(Effect.all([startBucket, scratch]), ([{ url }, folder]) => storeAt(`${url}/some/prefix`, folder))
  )
)

const realUrl = process.env["S3_TEST_URL"]
if (realUrl !== undefined)
  blobsContract(
    "the bucket of S3_TEST_URL",
    Layer.unwrap(
      Effect.map(scratch, (folder) =>
        storeAt(`${realUrl}/${randomUUID()}`, folder, {
          region: process.env["S3_TEST_REGION"] ?? "us-east-1",
          accessKeyId: process.env["S3_TEST_KEY"] ?? "",
          secretAccessKey: process.env["S3_TEST_SECRET"] ?? ""
        })
      )
    )
  )

const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

const withBucket = Effect.gen(function* () {
  const bucket = yield* startBucket
  const folder = yield* scratch
  const blobs = yield* Effect.map(Layer.build(storeAt(bucket.url, folder)), (context) =>
    Effect.provide(Blobs.use(Effect.succeed), context)
  )
  return { bucket, folder, blobs: yield* blobs }
})

describe("the blob store of a bucket", () => {
  it.live("S1 has only complete objects, under the hash of their bytes, and nothing is left in the folder", () =>
    Effect.gen(function* () {
      const { bucket, blobs, folder } = yield* withBucket
      const { sha256 } = yield* blobs.put(Buffer.from("whole"))
      const broken = blobs.put(Stream.concat(Stream.make(new Uint8Array(99)), Stream.fail("cut off" as const)))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(broken)))
      assert.deepStrictEqual([...bucket.objects.keys()], [`sha256/${sha256}`])
      yield* Effect.scoped(Effect.tap(blobs.file(sha256), (file) => Effect.sync(() => fs.statSync(file))))
      assert.deepStrictEqual(fs.readdirSync(folder), [])
    })
  )

  it.live("refuses bytes that are there already, which makes their blob young", () =>
    Effect.gen(function* () {
      const { bucket, blobs } = yield* withBucket
      const bytes = Buffer.from("twice")
      yield* blobs.put(bytes)
      bucket.answers.length = 0
      yield* blobs.put(bytes)
      assert.deepStrictEqual(bucket.answers, ["PUT 412", "PUT 200"], "refused as known, then made young")
    })
  )

  it.live("tries again what meets a bad moment: a conflict, a slow-down, a connection that is cut", () =>
    Effect.gen(function* () {
      const { bucket, blobs } = yield* withBucket
      for (const faults of [[409], [503, 503], [0], [503, 409]]) {
        bucket.faults.push(...faults)
        const bytes = Buffer.from(`after ${faults.join()}`)
        const { sha256 } = yield* blobs.put(bytes)
        assert.deepStrictEqual(Buffer.from(bucket.objects.get(`sha256/${sha256}`)!.bytes), bytes)
      }
    })
  )

  it.live("is told apart from one that may not be used: wrong keys are Forbidden, nobody there is Unavailable", () =>
    Effect.gen(function* () {
      const { bucket, folder } = yield* withBucket
      const reasonAt = (url: string, secretAccessKey: string) =>
        Blobs.use((blobs) => blobs.head("0".repeat(64))).pipe(
          Effect.provide(storeAt(url, folder, { ...s3Keys, secretAccessKey })),
          Effect.flip,
          Effect.map(({ reason }) => reason._tag)
        )
      assert.strictEqual(yield* reasonAt(bucket.url, "wrong"), "Forbidden")
      assert.strictEqual(yield* reasonAt("http://127.0.0.1:9/bucket", "a secret"), "Unavailable")
    })
  )

  it.live("knows no conditions: the object is put all the same", () =>
    Effect.gen(function* () {
      const { bucket, blobs } = yield* withBucket
      bucket.knowsConditions = false
      const { sha256 } = yield* blobs.put(Buffer.from("unconditional"))
      assert.strictEqual((yield* blobs.head(sha256)).size, 13)
    })
  )

  it.live("takes what is large in parts, once, and nothing is left of one that breaks off", () =>
    Effect.gen(function* () {
      const { bucket, blobs } = yield* withBucket
      const bytes = Buffer.alloc(partSize + 5, "a part ")
      const put = blobs.put(Stream.make(bytes.subarray(0, 1_000_000), bytes.subarray(1_000_000)))
      // Looked for, begun, and its first part refused.
      bucket.faults.push(200, 200, 403)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(put)))
      assert.includeMembers(bucket.answers, ["POST 200", "PUT 403", "DELETE 204"])
      assert.strictEqual(bucket.uploads.size, 0)
      const { sha256, size } = yield* put
      assert.deepStrictEqual([sha256, size], [hashOf(bytes), bytes.length])
      assert.strictEqual(hashOf(bucket.objects.get(`sha256/${sha256}`)!.bytes), sha256)
      assert.strictEqual(bucket.uploads.size, 0)
      bucket.answers.length = 0
      yield* put
      assert.deepStrictEqual(bucket.answers, ["PUT 200"], "known: made young, no byte sent")
    })
  )
})
