/** What adapters of the blob store do with files: the calls whose failures are typed, and the few steps that need care. */
import { Effect } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs/promises"
import { BlobError, blobErrorOf, Unavailable } from "./BlobError.ts"
import type { StoredBlob } from "./Blobs.ts"

/** A call to the file system whose failure is told by its errno. */
export const onDisk = <A>(run: () => Promise<A>): Effect.Effect<A, BlobError> =>
  Effect.tryPromise({ try: run, catch: blobErrorOf })

/** The errno of a failed call. */
export const codeOf = (cause: unknown): unknown =>
  typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined

/** Has a file or the entries of a folder on disk. */
export const syncPath = async (fileOrFolder: string): Promise<void> => {
  const handle = await fs.open(fileOrFolder, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Moves a regular file, across file systems by copying. A link would bring in a file that others may change. */
export const moveIn = async (source: string, file: string): Promise<void> => {
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
export const hashFile = async (file: string): Promise<StoredBlob> => {
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
