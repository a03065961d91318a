/** Pictures decoded by sharp (libvips), in child processes. */
import { Duration, Effect, Layer, type Scope } from "effect"
import { randomUUID } from "node:crypto"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import type { Urgency } from "./Admission.ts"
import { makeChildPool } from "./ChildPool.ts"
import { onDisk, remove } from "./disk.ts"
import { extract, type ExtractLimits } from "./extract.ts"
import { headBytes, kindOf } from "./Format.ts"
import { ImageError, UnsupportedFormat } from "./ImageError.ts"
import { type Converted, type ConvertRequest, type EncodeRequest, Images } from "./Images.ts"
import type { Limits } from "./Job.ts"
import { commandFor, findPrograms } from "./Programs.ts"
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
  /** Where programs are that make pictures of other files, by their names. Default: what the shell's path has. */
  readonly programs?: Effect.Effect<ReadonlyMap<string, string>>
}

const megabyte = 2 ** 20

/** Somebody waits for it, and nothing is held against it. */
const ordinary = { urgency: "live", alone: false } as const

const readHead = async (file: string): Promise<Uint8Array> => {
  const handle = await fs.open(file, "r")
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

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

  const programs = yield* Effect.cached(options.programs ?? findPrograms)
  const extractLimits: ExtractLimits = {
    memory: options.rssDuringJob ?? 1_536 * megabyte,
    fileSize: limits.maxBytes,
    timeout: Duration.fromInputUnsafe(options.hardTimeout ?? "45 seconds")
  }

  /** The file to decode: the given one, or the picture that a program of the machine makes of it, gone with the scope. */
  const decodableOf = Effect.fnUntraced(function* (input: string, stem: string, urgency: Urgency) {
    const head = yield* onDisk(() => readHead(input))
    const kind = kindOf(head)
    if ("format" in kind || kind.foreign === null) return { file: input, foreign: null }
    const output = `${stem}.extracted.png`
    const found = commandFor(kind.foreign, yield* programs, input, output)
    if ("wanted" in found) {
      const detail = `${kind.other} is converted only where there is ${found.wanted.join(" or ")}`
      return yield* new ImageError({ reason: new UnsupportedFormat({ detail }) })
    }
    yield* Effect.addFinalizer(() => remove(output))
    yield* pool.instead(urgency)(extract(found.command, output, found.toStdout, extractLimits))
    const { size } = yield* onDisk(() => fs.stat(input))
    return { file: output, foreign: { format: kind.foreign, bytes: size } }
  })

  const convert = Effect.fn("Images.convert")(function* (
    request: ConvertRequest
  ): Effect.fn.Return<Converted, ImageError, Scope.Scope> {
    const stem = path.resolve(request.directory, randomUUID())
    const urgency = request.urgency ?? "live"
    const { file, foreign } = yield* decodableOf(path.resolve(request.input), stem, urgency)
    const preview = `${stem}.preview`
    const thumbnail = `${stem}.thumbnail`
    const job = {
      kind: "convert",
      input: file,
      preview,
      thumbnail,
      recipe: request.recipe ?? currentRecipe,
      limits,
      keepPosition: request.keepPosition ?? false
    } as const
    const result = yield* pool
      .run(job, { urgency, alone: request.alone ?? false })
      // The pool answers only after a child it cut off is gone: nothing is written after this.
      .pipe(Effect.onError(() => remove(preview, thumbnail)))
    return {
      ...result,
      source: { ...result.source, ...foreign },
      preview: { ...result.preview, path: preview },
      thumbnail: { ...result.thumbnail, path: thumbnail }
    }
  }, Effect.scoped)

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

  const encode = Effect.fn("Images.encode")(function* (request: EncodeRequest) {
    const stem = path.resolve(request.directory, randomUUID())
    const output = `${stem}.encoded`
    const { urgency = "live", alone = false, encoding } = request
    // Before the decoder starts, so that the file goes whatever becomes of it.
    yield* Effect.addFinalizer(() => remove(output))
    const { file } = yield* decodableOf(path.resolve(request.input), stem, urgency)
    const written = yield* pool.run({ kind: "encode", input: file, output, encoding, limits }, { urgency, alone })
    return { ...written, path: output }
  })

  return Images.of({ convert, normalise, dHash, encode })
})

/** Pictures in at most `options.processes` child processes, which start as they are needed and end with the layer. */
export const layerSharpImages = (options: SharpImagesOptions = {}): Layer.Layer<Images> =>
  Layer.effect(Images, makeSharpImages(options))
