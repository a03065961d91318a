/**
 * The blob store in a folder: `sha256/ab/cd/<hash>` for what is kept, `incoming/` for what is being
 * written. Both lie in one file system, so a blob appears by a link, complete and on disk, or not at
 * all, whatever is killed and whenever the power fails.
 */
import { Clock, Duration, Effect, Layer, Stream } from "effect"
import { createHash, randomUUID } from "node:crypto"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { BlobError, blobErrorOf, Unavailable } from "./BlobError.ts"
import { blobPath, checkBlobName, isBlobName } from "./blobName.ts"
import { type ByteRange, Blobs, type ListedBlob, type PutOptions, type StoredBlob } from "./Blobs.ts"

/** Where and how the store is kept. */
export interface FileBlobsOptions {
  readonly folder: string
  /** What lies in `incoming/` for longer belongs to a killed process and goes at the start. Default 1 hour. */
  readonly incomingLife?: Duration.Input
}

const call = <A>(run: () => Promise<A>): Effect.Effect<A, BlobError> =>
  Effect.tryPromise({ try: run, catch: blobErrorOf })

const codeOf = (cause: unknown): unknown =>
  typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined

const syncPath = async (fileOrFolder: string): Promise<void> => {
  const handle = await fs.open(fileOrFolder, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
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

/** Moves a regular file, across file systems by copying. A link would bring in a file that others may change. */
const moveIn = async (source: string, file: string): Promise<void> => {
  if (!(await fs.lstat(source)).isFile()) {
    throw new BlobError({ reason: new Unavailable({ detail: `not a regular file: ${source}` }) })
  }
  try {
    await fs.rename(source, file)
  } catch (cause) {
    if (codeOf(cause) !== "EXDEV") throw cause
    await fs.copyFile(source, file)
    await fs.rm(source, { force: true })
  }
}

/** Read through one buffer: a new one per chunk would have the collector run after every few files. */
const hashFile = async (file: string): Promise<StoredBlob> => {
  const hash = createHash("sha256")
  const handle = await fs.open(file, "r")
  try {
    const { size: expected } = await handle.stat()
    const buffer = Buffer.allocUnsafe(Math.min(Math.max(expected, 1), 1 << 18))
    let size = 0
    while (true) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, size)
      if (bytesRead === 0) return { sha256: hash.digest("hex"), size }
      hash.update(buffer.subarray(0, bytesRead))
      size += bytesRead
    }
  } finally {
    await handle.close()
  }
}

const sweepIncoming = (incoming: string, life: Duration.Duration) =>
  Effect.gen(function* () {
    const oldest = (yield* Clock.currentTimeMillis) - Duration.toMillis(life)
    for (const name of yield* call(() => fs.readdir(incoming))) {
      const file = path.join(incoming, name)
      // Another process may sweep, or finish its upload, at the same time: what is gone is gone.
      const stat = yield* Effect.orElseSucceed(
        call(() => fs.stat(file)),
        () => undefined
      )
      if (stat !== undefined && stat.mtimeMs < oldest) yield* call(() => fs.rm(file, { force: true }))
    }
  })

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
  const incoming = path.resolve(options.folder, "incoming")
  yield* call(async () => {
    await fs.mkdir(kept, { recursive: true, mode: 0o700 })
    await fs.mkdir(incoming, { recursive: true, mode: 0o700 })
  })
  yield* sweepIncoming(incoming, Duration.fromInputUnsafe(options.incomingLife ?? "1 hour"))

  /** A path of our own in `incoming/`, empty again when the scope closes. */
  const incomingPath = Effect.acquireRelease(
    Effect.sync(() => path.join(incoming, randomUUID())),
    (file) => Effect.ignore(call(() => fs.rm(file, { force: true })))
  )

  const put = <E>(content: Uint8Array | Stream.Stream<Uint8Array, E>, putOptions?: PutOptions) =>
    Effect.scoped(
      Effect.gen(function* () {
        const durable = putOptions?.durable ?? true
        const file = yield* incomingPath
        const handle = yield* Effect.acquireRelease(
          call(() => fs.open(file, "wx", 0o600)),
          (open) => Effect.ignore(call(() => open.close()))
        )
        const hash = createHash("sha256")
        let size = 0
        const write = (chunk: Uint8Array) =>
          call(async () => {
            hash.update(chunk)
            size += chunk.length
            await handle.writeFile(chunk)
          })
        yield* content instanceof Uint8Array ? write(content) : Stream.runForEach(content, write)
        if (durable) yield* call(() => handle.datasync())
        const sha256 = hash.digest("hex")
        yield* call(() => publish(kept, file, sha256, durable))
        return { sha256, size }
      })
    )

  const putFile = (source: string, putOptions?: PutOptions) =>
    Effect.scoped(
      Effect.gen(function* () {
        const durable = putOptions?.durable ?? true
        const file = yield* incomingPath
        yield* call(() => moveIn(source, file))
        const blob = yield* call(() => hashFile(file))
        if (durable) yield* call(() => syncPath(file))
        yield* call(() => publish(kept, file, blob.sha256, durable))
        return blob
      })
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
    put,
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
