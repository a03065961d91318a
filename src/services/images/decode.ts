/**
 * The work on one picture, inside a child process. The picture is decoded once, to raw pixels of the
 * preview's size; preview, thumbnail and thumbhash are all made from those.
 */
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import sharp, { type OutputInfo, type Sharp } from "sharp"
import { rgbaToThumbHash } from "thumbhash"
import { reasonOf } from "./DecodeFailure.ts"
import { readExif } from "./Exif.ts"
import { inspect, type Inspected, open, type Strictness } from "./inspect.ts"
import type { Derivative, DerivativeFormat, Encoding, Job, Limits, Results } from "./Job.ts"
import { previewEdgeFor } from "./Recipe.ts"

/**
 * Prepares the decoder of this process: one thread, no cache (every picture is a new one), and only
 * decoders of photographs; what else libvips could load (SVG, PDF, …) is a way in for strangers.
 */
export const prepareDecoder = (): void => {
  sharp.concurrency(1)
  sharp.cache(false)
  sharp.block({ operation: ["VipsForeignLoad"] })
  sharp.unblock({
    operation: ["Jpeg", "Png", "Webp", "Heif", "Nsgif", "Tiff"].map((format) => `VipsForeignLoad${format}File`)
  })
}

const decoder = `sharp ${sharp.versions.sharp}, libvips ${sharp.versions.vips}`

/** Asks for leave to take so much memory, in bytes; waits until there is room. */
export type Admit = (memory: number) => Promise<void>

interface Pixels {
  readonly data: Buffer<ArrayBuffer>
  readonly info: OutputInfo
}

type Doubtful<A> = A & { readonly degraded?: string }

/**
 * Decodes with every doubt of the decoder taken as an error, since a milder setting lets pictures pass
 * whose middle is grey; if only a doubt stood against it, the picture is used and said to be degraded.
 */
const doubting = async <A extends object>(decode: (failOn: Strictness) => Promise<A>): Promise<Doubtful<A>> => {
  try {
    return await decode("warning")
  } catch (cause) {
    const doubt = reasonOf(cause)
    if (doubt._tag !== "Corrupt") throw cause
    return { ...(await decode("truncated")), degraded: doubt.detail }
  }
}

const decodeOnce = (input: string, limits: Limits, shape: (picture: Sharp) => Sharp): Promise<Doubtful<Pixels>> =>
  doubting((failOn) =>
    shape(open(input, limits, failOn))
      .toColourspace("srgb")
      .raw()
      .toBuffer({ resolveWithObject: true })
  )

const fromPixels = ({ data, info }: Pixels): Sharp =>
  sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } })

const rawOf = (picture: Sharp): Promise<Pixels> => picture.raw().toBuffer({ resolveWithObject: true })

/**
 * Gives memory back that the decoder filled. It lies outside of the heap, where the collector does not see how much
 * there is: left to that, a child keeps dozens of megabytes of used pixels and takes fresh pages for every picture.
 */
const giveBack = ({ buffer }: Buffer<ArrayBuffer>): void => void buffer.transfer(0)

/** What `use` makes of pixels that nobody needs afterwards. */
const using = async <A>(pixels: Pixels, use: (picture: Pixels) => Promise<A>): Promise<A> => {
  try {
    return await use(pixels)
  } finally {
    giveBack(pixels.data)
  }
}

const write = async (picture: Sharp, file: string, format: DerivativeFormat): Promise<Derivative> => {
  const { data, info } = await picture.toBuffer({ resolveWithObject: true })
  fs.writeFileSync(file, data, { flag: "wx", mode: 0o600 })
  const sha256 = createHash("sha256").update(data).digest("hex")
  const bytes = data.length
  giveBack(data)
  return { sha256, width: info.width, height: info.pageHeight ?? info.height, bytes, format }
}

const inside = (edge: number) => ({ width: edge, height: edge, fit: "inside", withoutEnlargement: true }) as const

const thumbhashEdge = 32

/** A picture in some 25 bytes, for the time until the real one is there (ThumbHash, Base64). */
const thumbhashOf = async (thumbnail: Pixels): Promise<string> => {
  const small = await rawOf(fromPixels(thumbnail).resize(inside(thumbhashEdge)).ensureAlpha())
  return Buffer.from(rgbaToThumbHash(small.info.width, small.info.height, small.data)).toString("base64")
}

/** All frames of a preview together have no more pixels than this: they are held in memory at once. */
const mostAnimatedPixels = 25_000_000

/** The first frames of an animation as an animated WebP; whether it loops is the original's. */
const animate = (
  job: Job & { readonly kind: "convert" },
  frames: number,
  edge: number
): Promise<Doubtful<Derivative>> =>
  doubting((failOn) => {
    fs.rmSync(job.preview, { force: true })
    const animation = open(job.input, job.limits, failOn, frames)
    return write(
      animation.resize(inside(edge)).webp({ quality: job.recipe.previewQuality, effort: 2 }),
      job.preview,
      "webp"
    )
  })

/** JPEG of a derivative: a table of codes made for it would be another pass over the picture for 4 % of its bytes. */
const jpegOf = (quality: number) => ({ quality, optimiseCoding: false })

const convert = async (job: Job & { readonly kind: "convert" }, picture: Inspected): Promise<Results["convert"]> => {
  const { source, header } = picture
  const { recipe } = job
  const edge = previewEdgeFor(Math.max(source.width, source.height), source.format, recipe)
  const roomFor = Math.floor(mostAnimatedPixels / (source.width * source.height))
  const frames = Math.min(source.frames, recipe.animatedFrames, roomFor)
  const moves = frames > 1 && (source.format === "gif" || source.format === "webp")
  const decoded = await decodeOnce(job.input, job.limits, (whole) =>
    whole.resize(inside(edge)).flatten({ background: "#ffffff" })
  )
  return using(decoded, async (pixels) => {
    const preview: Doubtful<Derivative> = moves
      ? await animate(job, frames, edge)
      : await write(fromPixels(pixels).jpeg(jpegOf(recipe.previewQuality)), job.preview, "jpeg")
    const { degraded = decoded.degraded ?? picture.doubt, ...kept } = preview
    const small = await using(
      await rawOf(fromPixels(pixels).resize(inside(recipe.thumbnailEdge))),
      async (thumbnail) => ({
        thumbnail: await write(fromPixels(thumbnail).jpeg(jpegOf(recipe.thumbnailQuality)), job.thumbnail, "jpeg"),
        thumbhash: await thumbhashOf(thumbnail)
      })
    )
    return {
      source,
      preview: kept,
      ...small,
      exif: header.exif === undefined ? {} : readExif(header.exif, job.keepPosition),
      decoder,
      ...(degraded === undefined ? {} : { degraded })
    }
  })
}

const normalise = async (
  job: Job & { readonly kind: "normalise" },
  { header }: Inspected
): Promise<Results["normalise"]> => {
  const decoded = await decodeOnce(job.input, job.limits, (picture) => picture.resize(inside(job.edge)))
  return using(decoded, async (pixels) => {
    const transparent = header.hasAlpha && !(await fromPixels(pixels).stats()).isOpaque
    return transparent
      ? write(fromPixels(pixels).png(), job.output, "png")
      : write(fromPixels(pixels).flatten({ background: "#ffffff" }).jpeg({ quality: 90 }), job.output, "jpeg")
  })
}

/** Usual qualities: each about as good to look at as a JPEG of 85. */
const usualQuality: Readonly<Record<Encoding["format"], number>> = { jpeg: 85, webp: 82, avif: 60 }

const written = (picture: Sharp, { format, quality }: Encoding): Sharp => {
  const options = { quality: quality ?? usualQuality[format] }
  switch (format) {
    case "jpeg":
      return picture.flatten({ background: "#ffffff" }).jpeg(options)
    case "webp":
      return picture.webp(options)
    case "avif":
      // More effort takes minutes for photographs, and saves a few per cent.
      return picture.avif({ ...options, effort: 2 })
  }
}

/** Bytes per pixel that writing takes beside reading: the pixels themselves, and what the encoder makes of them. */
const encodingBytes: Readonly<Record<Encoding["format"], number>> = { jpeg: 6, webp: 12, avif: 24 }

const encodingMemory = ({ format, edge }: Encoding, { source: { width, height } }: Inspected): number => {
  const scale = Math.min(1, (edge ?? Infinity) / Math.max(width, height))
  return Math.ceil(width * scale) * Math.ceil(height * scale) * encodingBytes[format]
}

/** The whole picture in another format: upright, in sRGB, without metadata. */
const encode = async (job: Job & { readonly kind: "encode" }): Promise<Results["encode"]> => {
  const { edge, format } = job.encoding
  const pixels = await decodeOnce(job.input, job.limits, (picture) =>
    edge === null ? picture : picture.resize(inside(edge))
  )
  return write(written(fromPixels(pixels), job.encoding), job.output, format)
}

/** The difference hash: 8×8 bits, each telling whether a grey pixel is brighter than its right neighbour. */
const dHash = async (job: Job & { readonly kind: "dHash" }): Promise<Results["dHash"]> => {
  const small = await decodeOnce(job.input, job.limits, (picture) =>
    picture.flatten({ background: "#ffffff" }).resize({ width: 9, height: 8, fit: "fill" })
  )
  const { data } = await rawOf(fromPixels(small).greyscale())
  let hash = 0n
  for (let row = 0; row < 8; row++) {
    for (let column = 0; column < 8; column++) {
      const left = data[row * 9 + column] ?? 0
      const right = data[row * 9 + column + 1] ?? 0
      hash = (hash << 1n) | (left > right ? 1n : 0n)
    }
  }
  return { hash: hash.toString(16).padStart(16, "0") }
}

/**
 * Does `job`, after its header was read and `admit` gave leave; rejects with a `DecodeFailure` or with the decoder's own
 * error (see `reasonOf`).
 */
export const work = async (job: Job, admit: Admit): Promise<Results[keyof Results]> => {
  const picture = await inspect(job.input, job.limits)
  await admit(picture.memory + (job.kind === "encode" ? encodingMemory(job.encoding, picture) : 0))
  switch (job.kind) {
    case "convert":
      return convert(job, picture)
    case "normalise":
      return normalise(job, picture)
    case "dHash":
      return dHash(job)
    case "encode":
      return encode(job)
  }
}
