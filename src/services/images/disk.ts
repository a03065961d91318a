/** Work on files beside the decoder: its failures are those of the picture service. */
import { Effect } from "effect"
import * as fs from "node:fs/promises"
import { ImageError, StorageError } from "./ImageError.ts"

/** A call to the file system around a picture; what goes wrong with it is a `StorageError`. */
export const onDisk = <A>(run: () => Promise<A>): Effect.Effect<A, ImageError> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) =>
      new ImageError({ reason: new StorageError({ detail: cause instanceof Error ? cause.message : String(cause) }) })
  })

/** Removes what is there of `files`, folders with all they hold; never fails. */
export const remove = (...files: ReadonlyArray<string>) =>
  Effect.forEach(files, (file) => Effect.ignore(onDisk(() => fs.rm(file, { force: true, recursive: true }))), {
    discard: true
  })
