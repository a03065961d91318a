/** From a kept picture to kept derivatives: the way the converter takes. */
import { Effect } from "effect"
import type { BlobError } from "../blobs/BlobError.ts"
import { Blobs } from "../blobs/Blobs.ts"
import { remove } from "./disk.ts"
import type { ImageError } from "./ImageError.ts"
import { type Converted, type ConvertRequest, Images } from "./Images.ts"
import type { Derivative } from "./Job.ts"

/** What became of a kept picture; preview and thumbnail are blobs under their `sha256`. */
export type ConvertedBlob = Omit<Converted, "preview" | "thumbnail"> & {
  readonly preview: Derivative
  readonly thumbnail: Derivative
}

const derivative = ({ sha256, width, height, bytes, format }: Derivative): Derivative => ({
  sha256,
  width,
  height,
  bytes,
  format
})

/**
 * Makes preview and thumbnail of the blob `sha256` and keeps them as blobs. They can be made again, so
 * they are not forced to disk one by one. `directory` is where they are written first.
 */
export const convertBlob = Effect.fn("Images.convertBlob")(function* (
  sha256: string,
  request: Omit<ConvertRequest, "input">
): Effect.fn.Return<ConvertedBlob, ImageError | BlobError, Images | Blobs> {
  const images = yield* Images
  const blobs = yield* Blobs
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const input = yield* blobs.file(sha256)
      const converted = yield* images.convert({ ...request, input })
      // Both are moved into the store; what could not be is nobody's.
      yield* Effect.addFinalizer((exit) =>
        exit._tag === "Success" ? Effect.void : remove(converted.preview.path, converted.thumbnail.path)
      )
      yield* blobs.putFile(converted.preview.path, { durable: false })
      yield* blobs.putFile(converted.thumbnail.path, { durable: false })
      return {
        ...converted,
        preview: derivative(converted.preview),
        thumbnail: derivative(converted.thumbnail)
      }
    })
  )
})
