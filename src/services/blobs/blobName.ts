/** Names of blobs and where they lie: two levels of folders keep every folder small with millions of blobs. */
import { Effect } from "effect"
import * as path from "node:path"
import { BlobError, InvalidName } from "./BlobError.ts"

/** Whether `text` is the lower-case hex form of a SHA-256. */
export const isBlobName = (text: string): boolean => /^[0-9a-f]{64}$/.test(text)

/** Fails with `InvalidName` on anything else than a blob name, so that no name can lead out of the store. */
export const checkBlobName = (text: string): Effect.Effect<string, BlobError> =>
  isBlobName(text)
    ? Effect.succeed(text)
    : Effect.fail(new BlobError({ reason: new InvalidName({ detail: `not a SHA-256: ${text.slice(0, 80)}` }) }))

/** `ab/cd/<hash>` below `folder`. */
export const blobPath = (folder: string, sha256: string): string =>
  path.join(folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256)
