/**
 * The folder in which content arrives: written and hashed at once, whole there
 * or gone with its scope. What a killed process left goes at a later start. A
 * part of the disk stays free for others, first of all for the database.
 */
import { Clock, Duration, Effect, Stream } from "effect"
import { createHash, randomUUID } from "node:crypto"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { BlobError, StoreFull } from "./BlobError.ts"
import { headLength, type PutOptions, type StoredBlob } from "./Blobs.ts"
import { hashFile, moveIn, onDisk, syncPath } from "./disk.ts"

export interface StagingOptions {
  /** What lies here for longer belongs to a killed process. Default 1 hour. */
  readonly incomingLife?: Duration.Input
  /** So many bytes of the disk stay free. Default none. */
  readonly reserve?: number
}

/** A complete file here, and what is known of its bytes. */
export interface StagedFile extends StoredBlob {
  readonly file: string
  readonly head: Uint8Array
}

/** Bytes that are written between two looks at how much room is left. */
const roomEvery = 1 << 24

const sweep = (folder: string, life: Duration.Duration) =>
  Effect.gen(function* () {
    const oldest = (yield* Clock.currentTimeMillis) - Duration.toMillis(life)
    for (const name of yield* onDisk(() => fs.readdir(folder))) {
      const file = path.join(folder, name)
      // Another process may sweep, or finish its upload, at the same time: what is gone is gone.
      const stat = yield* Effect.orElseSucceed(
        onDisk(() => fs.stat(file)),
        () => undefined
      )
      if (stat !== undefined && stat.mtimeMs < oldest) yield* onDisk(() => fs.rm(file, { force: true }))
    }
  })

/** The folder, made where it is missing and swept. */
export const makeStaging = Effect.fnUntraced(function* (folder: string, options: StagingOptions) {
  const reserve = options.reserve ?? 0
  yield* onDisk(() => fs.mkdir(folder, { recursive: true, mode: 0o700 }))
  yield* sweep(folder, Duration.fromInputUnsafe(options.incomingLife ?? "1 hour"))

  /** A path of our own, empty again when the scope closes. */
  const place = Effect.acquireRelease(
    Effect.sync(() => path.join(folder, randomUUID())),
    (file) => Effect.ignore(onDisk(() => fs.rm(file, { force: true })))
  )

  const needRoom = (bytes: number) =>
    reserve === 0
      ? Effect.void
      : Effect.flatMap(
          onDisk(() => fs.statfs(folder)),
          ({ bavail, bsize }) =>
            bavail * bsize < bytes + reserve
              ? Effect.fail(
                  new BlobError({ reason: new StoreFull({ detail: `${reserve} bytes of the disk are to stay free` }) })
                )
              : Effect.void
        )

  /** Writes `content` to a file here. */
  const take = Effect.fnUntraced(function* <E = never>(
    content: Uint8Array | Stream.Stream<Uint8Array, E>,
    { durable = true, expected = 0 }: PutOptions = {}
  ) {
    yield* needRoom(expected)
    const file = yield* place
    const hash = createHash("sha256")
    const heads: Array<Uint8Array> = []
    let size = 0
    const fill = Effect.gen(function* () {
      const handle = yield* Effect.acquireRelease(
        onDisk(() => fs.open(file, "wx", 0o600)),
        (open) => Effect.ignore(onDisk(() => open.close()))
      )
      const write = (chunk: Uint8Array) =>
        Effect.gen(function* () {
          if (size < headLength) heads.push(chunk.slice(0, headLength - size))
          if (Math.floor(size / roomEvery) < Math.floor((size + chunk.length) / roomEvery)) yield* needRoom(roomEvery)
          size += chunk.length
          yield* onDisk(async () => {
            hash.update(chunk)
            await handle.writeFile(chunk)
          })
        })
      yield* content instanceof Uint8Array ? write(content) : Stream.runForEach(content, write)
      if (durable) yield* onDisk(() => handle.datasync())
    })
    yield* Effect.scoped(fill)
    const head = new Uint8Array(Buffer.concat(heads))
    return { file, sha256: hash.digest("hex"), size, head } satisfies StagedFile
  })

  /** Takes the file `source` over. */
  const takeFile = Effect.fnUntraced(function* (source: string, { durable = true }: PutOptions = {}) {
    const file = yield* place
    yield* onDisk(() => moveIn(source, file))
    const blob = yield* onDisk(() => hashFile(file))
    if (durable) yield* onDisk(() => syncPath(file))
    return { file, ...blob, head: new Uint8Array() } satisfies StagedFile
  })

  return { place, take, takeFile }
})
