/** What every blob store does, in one text that each adapter has to pass. */
import { assert, describe, layer } from "@effect/vitest"
import { Effect, type Layer, Stream } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import type { BlobError } from "../../src/services/blobs/BlobError.ts"
import { Blobs, type ByteRange, headLength } from "../../src/services/blobs/Blobs.ts"

const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")
/** Bytes that differ from call to call but not from run to run. */
let seed = 0
const someBytes = (size: number) => {
  seed += 1
  return new Uint8Array(Buffer.alloc(size, hashOf(new Uint8Array([seed, size % 251]))))
}
const read = (sha256: string, range?: ByteRange) =>
  Blobs.use((blobs) => Stream.runCollect(blobs.get(sha256, range))).pipe(
    Effect.map((chunks) => new Uint8Array(Buffer.concat(chunks)))
  )
const reasonOf = <A, R>(effect: Effect.Effect<A, BlobError, R>) => Effect.map(Effect.flip(effect), (e) => e.reason._tag)
const absent = "0".repeat(64)

/** Runs the suite on `adapter`. */
export const blobsContract = (name: string, adapter: Layer.Layer<Blobs, BlobError>): void => {
  describe(`S5 the blob store of ${name}`, () => {
    layer(adapter, { excludeTestServices: true })((it) => {
      it.effect("a blob's name is the SHA-256 of its bytes, and the bytes come back", () =>
        Effect.gen(function* () {
          const blobs = yield* Blobs
          for (const size of [0, 1, 300_000]) {
            const bytes = someBytes(size)
            const stored = yield* blobs.put(bytes)
            assert.deepStrictEqual(stored, { sha256: hashOf(bytes), size })
            assert.deepStrictEqual(yield* read(stored.sha256), bytes)
            assert.deepStrictEqual(yield* blobs.head(stored.sha256), stored)
          }
        })
      )

      it.effect("a stream of chunks is one blob", () =>
        Effect.gen(function* () {
          const blobs = yield* Blobs
          const chunks = [someBytes(100_000), someBytes(1), someBytes(0), someBytes(200_000)]
          const stored = yield* blobs.put(Stream.fromIterable(chunks))
          assert.deepStrictEqual(yield* read(stored.sha256), new Uint8Array(Buffer.concat(chunks)))
        })
      )

      it.effect("a stream that fails half way leaves no blob", () =>
        Effect.gen(function* () {
          const blobs = yield* Blobs
          const before = yield* Stream.runCount(blobs.list())
          const half = Stream.concat(Stream.make(someBytes(100_000)), Stream.fail("the upload broke" as const))
          assert.strictEqual(yield* Effect.flip(blobs.put(half)), "the upload broke")
          assert.strictEqual(yield* Stream.runCount(blobs.list()), before)
        })
      )

      it.effect("staged content is seen by nobody until it is kept, and is no more when its scope has ended", () =>
        Effect.gen(function* () {
          const blobs = yield* Blobs
          const bytes = someBytes(150_000)
          const sha256 = hashOf(bytes)
          const chunks = Stream.make(bytes.slice(0, 3_000), bytes.slice(3_000))
          const forgotten = yield* Effect.scoped(blobs.stage(chunks))
          assert.deepInclude(forgotten, { sha256, size: 150_000, head: bytes.slice(0, headLength) })
          assert.strictEqual(yield* reasonOf(blobs.head(sha256)), "NotFound")
          yield* Effect.scoped(
            Effect.gen(function* () {
              const staged = yield* blobs.stage(chunks)
              assert.strictEqual(yield* reasonOf(blobs.head(sha256)), "NotFound")
              yield* staged.keep
              assert.deepStrictEqual(yield* read(sha256), bytes)
              yield* blobs.delete(sha256)
              yield* staged.keep
            })
          )
          assert.deepStrictEqual(yield* read(sha256), bytes, "kept again, it is there again")
        })
      )

      it.effect("a second put of the same bytes keeps one blob, also when both run at once", () =>
        Effect.gen(function* () {
          const blobs = yield* Blobs
          const bytes = someBytes(150_000)
          const stored = yield* Effect.all(
            Array.from({ length: 8 }, () => blobs.put(bytes)),
            { concurrency: "unbounded" }
          )
          assert.strictEqual(new Set(stored.map(({ sha256 }) => sha256)).size, 1)
          assert.strictEqual(yield* Stream.runCount(blobs.list(hashOf(bytes))), 1)
        })
      )

      it.effect("a put again makes a blob young, so that a sweep by age spares it", () =>
        Effect.gen(function* () {
          const blobs = yield* Blobs
          const bytes = someBytes(10)
          const putAt = Effect.map(Stream.runCollect(blobs.list(hashOf(bytes))), (all) => all[0]?.putAt ?? 0)
          yield* blobs.put(bytes)
          const first = yield* putAt
          yield* Effect.repeat(Effect.andThen(blobs.put(bytes), putAt), { until: (later) => later > first })
        })
      )

      it.effect("a range of a blob is read without the rest", () =>
        Effect.gen(function* () {
          const blobs = yield* Blobs
          const bytes = someBytes(600_000)
          const { sha256 } = yield* blobs.put(bytes)
          for (const [offset, length] of [
            [0, 10],
            [599_990, 10],
            [599_990, 1_000],
            [300_000, 0],
            [600_000, 5]
          ] as const) {
            assert.deepStrictEqual(yield* read(sha256, { offset, length }), bytes.slice(offset, offset + length))
          }
          assert.deepStrictEqual(yield* read(sha256, { offset: 500_000 }), bytes.slice(500_000))
        })
      )

      it.effect("a file is taken over with its content", () =>
        Effect.gen(function* () {
          const blobs = yield* Blobs
          const folder = yield* Effect.acquireRelease(
            Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "postroom-blobs-"))),
            (made) => Effect.sync(() => fs.rmSync(made, { recursive: true }))
          )
          const bytes = someBytes(50_000)
          const file = path.join(folder, "upload")
          for (const round of ["new", "known"]) {
            fs.writeFileSync(file, bytes)
            assert.strictEqual((yield* blobs.putFile(file)).sha256, hashOf(bytes), round)
            assert.isFalse(fs.existsSync(file))
          }
          assert.deepStrictEqual(yield* read(hashOf(bytes)), bytes)
        })
      )

      it.effect("a program that needs a path gets a file with the bytes", () =>
        Effect.gen(function* () {
          const blobs = yield* Blobs
          const bytes = someBytes(1_000)
          const { sha256 } = yield* blobs.put(bytes)
          yield* Effect.scoped(
            Effect.map(blobs.file(sha256), (file) =>
              assert.deepStrictEqual(new Uint8Array(fs.readFileSync(file)), bytes)
            )
          )
        })
      )

      it.effect("a blob that is not there is NotFound, whoever asks; deleting it says so", () =>
        Effect.gen(function* () {
          const blobs = yield* Blobs
          assert.strictEqual(yield* reasonOf(blobs.head(absent)), "NotFound")
          assert.strictEqual(yield* reasonOf(read(absent)), "NotFound")
          assert.strictEqual(yield* reasonOf(Effect.scoped(blobs.file(absent))), "NotFound")
          assert.isFalse(yield* blobs.delete(absent))
          const { sha256 } = yield* blobs.put(someBytes(5))
          assert.isTrue(yield* blobs.delete(sha256))
          assert.strictEqual(yield* reasonOf(blobs.head(sha256)), "NotFound")
        })
      )

      it.effect("no name leads out of the store", () =>
        Effect.gen(function* () {
          const blobs = yield* Blobs
          for (const name of ["", "../../etc/passwd", "A".repeat(64), `${absent}/..`]) {
            assert.strictEqual(yield* reasonOf(blobs.head(name)), "InvalidName")
            assert.strictEqual(yield* reasonOf(read(name)), "InvalidName")
            assert.strictEqual(yield* reasonOf(blobs.delete(name)), "InvalidName")
          }
        })
      )

      it.effect("a listing is in order and may be narrowed by the first digits", () =>
        Effect.gen(function* () {
          const blobs = yield* Blobs
          yield* Effect.forEach(Array.from({ length: 40 }), () => blobs.put(someBytes(3)))
          const all = (yield* Stream.runCollect(blobs.list())).map(({ sha256 }) => sha256)
          assert.deepStrictEqual(all, [...new Set(all)].sort())
          const one = all[7] ?? ""
          for (const digits of [0, 1, 2, 3, 4, 5, 64]) {
            const prefix = one.slice(0, digits)
            const narrowed = (yield* Stream.runCollect(blobs.list(prefix))).map(({ sha256 }) => sha256)
            assert.deepStrictEqual(
              narrowed,
              all.filter((sha256) => sha256.startsWith(prefix))
            )
          }
        })
      )
    })
  })
}
