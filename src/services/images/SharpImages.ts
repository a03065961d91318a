/** Pictures decoded by sharp (libvips), in child processes. */
import { Duration, Effect, Layer } from "effect"
import { randomUUID } from "node:crypto"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import { makeChildPool } from "./ChildPool.ts"
import { onDisk, remove } from "./disk.ts"
import type { ImageError } from "./ImageError.ts"
import { type Converted, type ConvertRequest, Images } from "./Images.ts"
import type { Limits } from "./Job.ts"
import { currentRecipe } from "./Recipe.ts"

/** What pictures may cost. Every field has a default. */
export interface SharpImagesOptions {
  /** Most child processes. Default: the number of cores. */
  readonly processes?: number
  /** Largest picture, in pixels. Default 100 million. */
  readonly maxPixels?: number
  /** Largest file, in bytes. Default 200 MB. */
  readonly maxBytes?: number
  /** Most frames of an animation, or pages. Default 10,000. */
  readonly maxFrames?: number
  /** What decoding may take as estimated from headers, of one picture and of all at a time, in bytes. Default 1 GB. */
  readonly memory?: number
  /** After this long the decoder is asked to stop. Default 30 s. */
  readonly softTimeout?: Duration.Input
  /** After this long its process is killed. Default 45 s. */
  readonly hardTimeout?: Duration.Input
  /** A process is replaced after so many pictures. Default 500. */
  readonly jobsPerChild?: number
  /** A process that has grown beyond this after a picture is replaced, in bytes. Default 180 MB. */
  readonly rssAfterJob?: number
  /** A process that grows beyond this during a picture is killed, in bytes. Default 1.5 GB. */
  readonly rssDuringJob?: number
}

const megabyte = 2 ** 20

/** Somebody waits for it, and nothing is held against it. */
const ordinary = { urgency: "live", alone: false } as const

const makeSharpImages = Effect.fnUntraced(function* (options: SharpImagesOptions) {
  const memory = options.memory ?? 1_024 * megabyte
  const limits: Limits = {
    maxPixels: options.maxPixels ?? 100_000_000,
    maxBytes: options.maxBytes ?? 200 * megabyte,
    maxChannels: 5,
    maxFrames: options.maxFrames ?? 10_000,
    maxMemory: memory,
    softSeconds: Math.max(1, Math.ceil(Duration.toSeconds(options.softTimeout ?? "30 seconds")))
  }
  const pool = yield* makeChildPool({
    size: options.processes ?? os.availableParallelism(),
    hardTimeout: Duration.fromInputUnsafe(options.hardTimeout ?? "45 seconds"),
    memory,
    jobsPerChild: options.jobsPerChild ?? 500,
    rssAfterJob: options.rssAfterJob ?? 180 * megabyte,
    rssDuringJob: options.rssDuringJob ?? 1_536 * megabyte
  })

  /** A folder for the one picture `bytes`, gone with the scope. */
  const spooled = (bytes: Uint8Array) =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        onDisk(() => fs.mkdtemp(path.join(os.tmpdir(), "postroom-image-"))),
        (made) => remove(made)
      )
      const input = path.join(folder, "input")
      yield* onDisk(() => fs.writeFile(input, bytes, { mode: 0o600 }))
      return { folder, input }
    })

  const convert = Effect.fn("Images.convert")(function* (
    request: ConvertRequest
  ): Effect.fn.Return<Converted, ImageError> {
    const stem = path.resolve(request.directory, randomUUID())
    const preview = `${stem}.preview`
    const thumbnail = `${stem}.thumbnail`
    const job = {
      kind: "convert",
      input: path.resolve(request.input),
      preview,
      thumbnail,
      recipe: request.recipe ?? currentRecipe,
      limits,
      keepPosition: request.keepPosition ?? false
    } as const
    const result = yield* pool
      .run(job, { urgency: request.urgency ?? "live", alone: request.alone ?? false })
      // The pool answers only after a child it cut off is gone: nothing is written after this.
      .pipe(Effect.onError(() => remove(preview, thumbnail)))
    return {
      ...result,
      preview: { ...result.preview, path: preview },
      thumbnail: { ...result.thumbnail, path: thumbnail }
    }
  })

  const normalise = Effect.fn("Images.normalise")(function* (bytes: Uint8Array, edge = 1_280) {
    const { folder, input } = yield* spooled(bytes)
    const output = path.join(folder, "output")
    const { format, width, height } = yield* pool.run({ kind: "normalise", input, output, edge, limits }, ordinary)
    return { bytes: new Uint8Array(yield* onDisk(() => fs.readFile(output))), format, width, height }
  }, Effect.scoped)

  const dHash = Effect.fn("Images.dHash")(function* (bytes: Uint8Array) {
    const { input } = yield* spooled(bytes)
    const { hash } = yield* pool.run({ kind: "dHash", input, limits }, ordinary)
    return hash
  }, Effect.scoped)

  return Images.of({ convert, normalise, dHash })
})

/** Pictures in at most `options.processes` child processes, which start as they are needed and end with the layer. */
export const layerSharpImages = (options: SharpImagesOptions = {}): Layer.Layer<Images> =>
  Layer.effect(Images, makeSharpImages(options))
