/** The blob store in memory, for tests and simulations that have no disk. `file` lends temporary files. */
import { Clock, Effect, Layer, Stream } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import { BlobError, NotFound } from "./BlobError.ts"
import { checkBlobName } from "./blobName.ts"
import { type ByteRange, Blobs, headLength, keepStaged, type StagedBlob } from "./Blobs.ts"
import { onDisk as call } from "./disk.ts"

const makeMemoryBlobs = Effect.sync(() => {
  const kept = new Map<string, { readonly bytes: Uint8Array; readonly putAt: number }>()

  const staged = (bytes: Uint8Array): StagedBlob => {
    const sha256 = createHash("sha256").update(bytes).digest("hex")
    const keep = Effect.map(Clock.currentTimeMillis, (putAt) => void kept.set(sha256, { bytes, putAt }))
    return { sha256, size: bytes.length, head: bytes.subarray(0, headLength), keep }
  }

  const stage = <E>(content: Uint8Array | Stream.Stream<Uint8Array, E>): Effect.Effect<StagedBlob, E> =>
    content instanceof Uint8Array
      ? Effect.succeed(staged(content.slice()))
      : Effect.map(Stream.runCollect(content), (chunks) => staged(new Uint8Array(Buffer.concat(chunks))))

  const find = (sha256: string) =>
    Effect.flatMap(checkBlobName(sha256), (name) => {
      const blob = kept.get(name)
      return blob === undefined
        ? Effect.fail(new BlobError({ reason: new NotFound({ detail: name }) }))
        : Effect.succeed(blob)
    })

  return Blobs.of({
    stage,
    put: (content) => Effect.scoped(Effect.flatMap(stage(content), keepStaged)),
    putFile: (source) =>
      Effect.gen(function* () {
        const blob = yield* keepStaged(staged(new Uint8Array(yield* call(() => fs.readFile(source)))))
        yield* call(() => fs.rm(source))
        return blob
      }),
    get: (sha256, range?: ByteRange) =>
      Stream.fromIterableEffect(
        Effect.map(find(sha256), ({ bytes }) => {
          const offset = range?.offset ?? 0
          const part = bytes.subarray(offset, offset + (range?.length ?? bytes.length))
          return part.length === 0 ? [] : [part]
        })
      ),
    file: (sha256) =>
      Effect.gen(function* () {
        const { bytes } = yield* find(sha256)
        const folder = yield* Effect.acquireRelease(
          call(() => fs.mkdtemp(path.join(os.tmpdir(), "postroom-blob-"))),
          (made) => Effect.ignore(call(() => fs.rm(made, { recursive: true, force: true })))
        )
        const file = path.join(folder, sha256)
        yield* call(() => fs.writeFile(file, bytes))
        return file
      }),
    head: (sha256) => Effect.map(find(sha256), ({ bytes }) => ({ sha256, size: bytes.length })),
    delete: (sha256) => Effect.map(checkBlobName(sha256), (name) => kept.delete(name)),
    list: (prefix = "") =>
      Stream.fromIterableEffect(
        Effect.sync(() =>
          [...kept]
            .filter(([sha256]) => sha256.startsWith(prefix))
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([sha256, { bytes, putAt }]) => ({ sha256, size: bytes.length, putAt }))
        )
      )
  })
})

/** An empty store in memory. */
export const layerMemoryBlobs: Layer.Layer<Blobs> = Layer.effect(Blobs, makeMemoryBlobs)
