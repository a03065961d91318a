/**
 * Pictures as an export wants them: made anew in the processes that decode
 * pictures, behind those that somebody waits for, and read from a file that goes
 * with the scope. One that kills its decoder is tried once more, alone.
 */
import { Effect, Stream } from "effect"
import { createReadStream } from "node:fs"
import { blobErrorOf } from "../blobs/BlobError.ts"
import type { BlobError } from "../blobs/BlobError.ts"
import { Blobs } from "../blobs/Blobs.ts"
import { Images } from "../images/Images.ts"
import type { ImageError } from "../images/ImageError.ts"
import type { Encoding } from "../images/Job.ts"
import { WorkFolder } from "../images/WorkFolder.ts"

/** A picture made anew. */
export interface MadePicture {
  readonly kind: "made"
  readonly mediaType: string
  readonly content: Stream.Stream<Uint8Array, BlobError>
}

/** Why none can be made of these bytes. */
export interface NoPicture {
  readonly kind: "none"
  readonly message: string
}

/** A disk that does not answer is no verdict on the picture. */
const isVerdict = ({ reason }: ImageError): boolean => reason._tag !== "StorageError"

/** The picture `sha256` by `encoding`. */
export const pictureOf = Effect.fn("exports.picture")(function* (sha256: string, encoding: Encoding) {
  const blobs = yield* Blobs
  const images = yield* Images
  const directory = yield* WorkFolder
  const input = yield* blobs.file(sha256)
  const encode = (alone: boolean) => images.encode({ input, directory, urgency: "backfill", alone, encoding })
  return yield* encode(false).pipe(
    Effect.catchReason("ImageError", "WorkerCrashed", () => encode(true)),
    Effect.map(({ path, format }): MadePicture => ({
      kind: "made",
      mediaType: `image/${format}`,
      content: Stream.fromAsyncIterable(createReadStream(path) as AsyncIterable<Uint8Array>, blobErrorOf)
    })),
    Effect.catchIf(isVerdict, ({ message }) => Effect.succeed<NoPicture>({ kind: "none", message }))
  )
})
