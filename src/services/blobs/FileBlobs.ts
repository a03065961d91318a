/**
 * The blob store in a folder: `sha256/ab/cd/<hash>` for what is kept, `incoming/` for what is being
 * written. Both lie in one file system, so a blob appears by a link, complete and on disk, or not at
 * all, whatever is killed and whenever the power fails.
 */
import { Effect, Layer, Stream } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { type BlobError, blobErrorOf } from "./BlobError.ts"
import { blobPath, checkBlobName, isBlobName } from "./blobName.ts"
import { type ByteRange, Blobs, keepStaged, type ListedBlob, type PutOptions, type StagedBlob } from "./Blobs.ts"
import { codeOf, onDisk as call, syncPath } from "./disk.ts"
import { makeStaging, type StagedFile, type StagingOptions } from "./staging.ts"

/** Where and how the store is kept. */
export interface FileBlobsOptions extends StagingOptions {
  readonly folder: string
}

/** Makes a folder where there is none and sees that its entry in the parent is on disk. */
const ensureFolder = async (folder: string, durable: boolean): Promise<void> => {
  try {
    await fs.mkdir(folder, { mode: 0o700 })
  } catch (cause) {
    if (codeOf(cause) === "EEXIST") return
    if (codeOf(cause) !== "ENOENT") throw cause
    await ensureFolder(path.dirname(folder), durable)
    return ensureFolder(folder, durable)
  }
  if (durable) await syncPath(path.dirname(folder))
}

/**
 * Gives the complete file `incoming` its name. A blob that is there already stays, becomes young again
 * (a sweep by age must not take what was just put) and, if it was put without, is made durable.
 */
const publish = async (kept: string, incoming: string, sha256: string, durable: boolean): Promise<void> => {
  const final = blobPath(kept, sha256)
  await ensureFolder(path.dirname(final), durable)
  try {
    await fs.link(incoming, final)
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST") throw cause
    if (!(await renew(final, durable))) return publish(kept, incoming, sha256, durable)
  }
  if (durable) await syncPath(path.dirname(final))
}

/** False when the blob was deleted meanwhile. */
const renew = async (file: string, durable: boolean): Promise<boolean> => {
  // The file system dates new files by the machine's clock; those put again must be comparable with them.
  const now = new Date()
  try {
    await fs.utimes(file, now, now)
    if (durable) await syncPath(file)
    return true
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return false
    throw cause
  }
}

const names = (folder: string): Effect.Effect<ReadonlyArray<string>, BlobError> =>
  call(async () => {
    try {
      return (await fs.readdir(folder)).sort()
    } catch (cause) {
      if (codeOf(cause) === "ENOENT") return []
      throw cause
    }
  })

const makeFileBlobs = Effect.fnUntraced(function* (options: FileBlobsOptions) {
  const kept = path.resolve(options.folder, "sha256")
  yield* call(() => fs.mkdir(kept, { recursive: true, mode: 0o700 }))
  const staging = yield* makeStaging(path.resolve(options.folder, "incoming"), options)

  const keptBy = ({ file, ...staged }: StagedFile, durable: boolean): StagedBlob => ({
    ...staged,
    keep: call(() => publish(kept, file, staged.sha256, durable))
  })
  const stage: Blobs["Service"]["stage"] = (content, how) =>
    Effect.map(staging.take(content, how), (staged) => keptBy(staged, how?.durable ?? true))

  const putFile = (source: string, how?: PutOptions) =>
    Effect.scoped(
      Effect.flatMap(staging.takeFile(source, how), (staged) => keepStaged(keptBy(staged, how?.durable ?? true)))
    )

  const located = (sha256: string) => Effect.map(checkBlobName(sha256), (name) => blobPath(kept, name))

  const head = (sha256: string) =>
    Effect.gen(function* () {
      const file = yield* located(sha256)
      const stat = yield* call(() => fs.stat(file))
      return { sha256, size: stat.size }
    })

  const get = (sha256: string, range?: ByteRange): Stream.Stream<Uint8Array, BlobError> =>
    Stream.unwrap(
      Effect.gen(function* () {
        const file = yield* located(sha256)
        const handle = yield* Effect.acquireRelease(
          call(() => fs.open(file, "r")),
          (open) => Effect.ignore(call(() => open.close()))
        )
        const start = range?.offset ?? 0
        if (range?.length === 0) return Stream.empty
        const end = range?.length === undefined ? Infinity : start + range.length - 1
        return Stream.fromAsyncIterable(
          handle.createReadStream({
            start,
            end,
            highWaterMark: 1 << 18,
            autoClose: false
          }) as AsyncIterable<Uint8Array>,
          blobErrorOf
        )
      })
    )

  const list = (prefix = ""): Stream.Stream<ListedBlob, BlobError> => {
    const starts = (name: string, from: number) => {
      const wanted = prefix.slice(from, from + name.length)
      return name.startsWith(wanted)
    }
    const level = (folder: string, from: number) =>
      Stream.fromIterableEffect(Effect.map(names(folder), (all) => all.filter((name) => starts(name, from))))
    return level(kept, 0).pipe(
      Stream.flatMap((first) =>
        Stream.map(level(path.join(kept, first), 2), (second) => path.join(kept, first, second))
      ),
      Stream.flatMap((folder) =>
        Stream.map(level(folder, 0), (sha256) => ({ sha256, file: path.join(folder, sha256) }))
      ),
      Stream.filter(({ sha256 }) => isBlobName(sha256)),
      Stream.mapEffect(({ sha256, file }) =>
        call(() => fs.stat(file)).pipe(
          Effect.map(({ size, mtimeMs }): ReadonlyArray<ListedBlob> => [{ sha256, size, putAt: mtimeMs }]),
          // Deleted while we listed.
          Effect.catchReason("BlobError", "NotFound", () => Effect.succeed([]))
        )
      ),
      Stream.flatMap(Stream.fromIterable)
    )
  }

  return Blobs.of({
    stage,
    put: (content, how) => Effect.scoped(Effect.flatMap(stage(content, how), keepStaged)),
    putFile,
    get,
    file: (sha256) => Effect.flatMap(located(sha256), (file) => Effect.as(head(sha256), file)),
    head,
    delete: (sha256) =>
      Effect.flatMap(located(sha256), (file) =>
        call(() => fs.unlink(file)).pipe(
          Effect.as(true),
          Effect.catchReason("BlobError", "NotFound", () => Effect.succeed(false))
        )
      ),
    list
  })
})

/** The blob store in `options.folder`, which is made when missing. */
export const layerFileBlobs = (options: FileBlobsOptions): Layer.Layer<Blobs, BlobError> =>
  Layer.effect(Blobs, makeFileBlobs(options))
