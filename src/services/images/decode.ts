/**
 * The work on one picture, inside a child process. The picture is decoded once, to raw pixels of the
 * preview's size; preview and thumbnail are both made from those.
 */
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import sharp, { type Metadata, type OutputInfo, type Sharp, type SharpOptions } from "sharp"
import { readExif } from "./Exif.ts"
import type { Derivative, FailedReason, Job, Limits, Results, Source } from "./Job.ts"
import { previewEdgeFor } from "./Recipe.ts"

/** A failure that is told to the user, thrown within the child only. */
export class DecodeFailure extends Error {
  readonly reason: FailedReason
  constructor(reason: FailedReason) {
    super(reason.detail)
    this.reason = reason
  }
}

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

type Strictness = NonNullable<SharpOptions["failOn"]>

const open = (input: string, limits: Limits, failOn: Strictness): Sharp =>
  sharp(input, { failOn, limitInputPixels: limits.maxPixels, autoOrient: true, sequentialRead: true }).timeout({
    seconds: limits.softSeconds
  })

const inspect = async (
  input: string,
  limits: Limits
): Promise<{ readonly source: Source; readonly header: Metadata }> => {
  const bytes = fs.statSync(input).size
  if (bytes === 0) throw new DecodeFailure({ _tag: "Corrupt", detail: "the file is empty" })
  if (bytes > limits.maxBytes) {
    const detail = `the file has ${bytes} bytes, allowed are ${limits.maxBytes}`
    throw new DecodeFailure({ _tag: "LimitExceeded", limit: "bytes", detail })
  }
  const header = await open(input, limits, "none").metadata()
  const { width, height } = header.autoOrient
  if (width * height > limits.maxPixels) {
    const detail = `the picture is ${width}×${height}, allowed are ${limits.maxPixels} pixels`
    throw new DecodeFailure({ _tag: "LimitExceeded", limit: "pixels", detail })
  }
  return { source: { format: header.format, width, height, bytes }, header }
}

interface Pixels {
  readonly data: Buffer
  readonly info: OutputInfo
}

/**
 * Decodes with every doubt of the decoder taken as an error, since a milder setting lets pictures pass
 * whose middle is grey; if only a doubt stood against it, the picture is used and said to be degraded.
 */
const decodeOnce = async (
  input: string,
  limits: Limits,
  shape: (picture: Sharp) => Sharp
): Promise<Pixels & { readonly degraded?: string }> => {
  const decode = (failOn: Strictness) =>
    shape(open(input, limits, failOn))
      .toColourspace("srgb")
      .raw()
      .toBuffer({ resolveWithObject: true })
  try {
    return await decode("warning")
  } catch (cause) {
    const doubt = reasonOf(cause)
    if (doubt._tag !== "Corrupt") throw cause
    return { ...(await decode("truncated")), degraded: doubt.detail }
  }
}

const fromPixels = ({ data, info }: Pixels): Sharp =>
  sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } })

const write = async (picture: Sharp, file: string): Promise<Derivative> => {
  const { data, info } = await picture.toBuffer({ resolveWithObject: true })
  fs.writeFileSync(file, data, { flag: "wx", mode: 0o600 })
  const sha256 = createHash("sha256").update(data).digest("hex")
  return { sha256, width: info.width, height: info.height, bytes: data.length }
}

const inside = (edge: number) => ({ width: edge, height: edge, fit: "inside", withoutEnlargement: true }) as const

const convert = async (job: Job & { readonly kind: "convert" }): Promise<Results["convert"]> => {
  const { source, header } = await inspect(job.input, job.limits)
  const edge = previewEdgeFor(Math.max(source.width, source.height), source.format, job.recipe)
  const pixels = await decodeOnce(job.input, job.limits, (picture) =>
    picture.resize(inside(edge)).flatten({ background: "#ffffff" })
  )
  const preview = await write(fromPixels(pixels).jpeg({ quality: job.recipe.previewQuality }), job.preview)
  const thumbnail = await write(
    fromPixels(pixels).resize(inside(job.recipe.thumbnailEdge)).jpeg({ quality: job.recipe.thumbnailQuality }),
    job.thumbnail
  )
  const exif = header.exif === undefined ? {} : readExif(header.exif, job.keepPosition)
  const degraded = pixels.degraded === undefined ? {} : { degraded: pixels.degraded }
  return { source, preview, thumbnail, exif, decoder, ...degraded }
}

const normalise = async (job: Job & { readonly kind: "normalise" }): Promise<Results["normalise"]> => {
  const { header } = await inspect(job.input, job.limits)
  const pixels = await decodeOnce(job.input, job.limits, (picture) => picture.resize(inside(job.edge)))
  const transparent = header.hasAlpha && !(await fromPixels(pixels).stats()).isOpaque
  const picture = transparent
    ? fromPixels(pixels).png()
    : fromPixels(pixels).flatten({ background: "#ffffff" }).jpeg({ quality: 90 })
  return { format: transparent ? "png" : "jpeg", ...(await write(picture, job.output)) }
}

/** The difference hash: 8×8 bits, each telling whether a grey pixel is brighter than its right neighbour. */
const dHash = async (job: Job & { readonly kind: "dHash" }): Promise<Results["dHash"]> => {
  await inspect(job.input, job.limits)
  const small = await decodeOnce(job.input, job.limits, (picture) =>
    picture.flatten({ background: "#ffffff" }).resize({ width: 9, height: 8, fit: "fill" })
  )
  const { data } = await fromPixels(small).greyscale().raw().toBuffer({ resolveWithObject: true })
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

/** Does `job`; rejects with a {@link DecodeFailure} or with the decoder's own error (see {@link reasonOf}). */
export const work = (job: Job): Promise<Results[keyof Results]> => {
  switch (job.kind) {
    case "convert":
      return convert(job)
    case "normalise":
      return normalise(job)
    case "dHash":
      return dHash(job)
  }
}

/** What a failure inside the child means, told by the decoder's words or the system's errno. */
export const reasonOf = (cause: unknown): FailedReason => {
  if (cause instanceof DecodeFailure) return cause.reason
  const message = cause instanceof Error ? cause.message : String(cause)
  const detail = message.split("\n", 1)[0]?.slice(0, 300) ?? ""
  if (/pixel limit/.test(message)) return { _tag: "LimitExceeded", limit: "pixels", detail }
  if (/unsupported image format|not a known file format|operation is blocked|No decoding plugin/.test(message)) {
    return { _tag: "UnsupportedFormat", detail }
  }
  if (/timeout: \d+% complete/.test(message)) return { _tag: "Timeout", detail }
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  if (typeof code === "string" || /Input file is missing|No space left|system error/.test(message)) {
    return { _tag: "StorageError", detail }
  }
  return { _tag: "Corrupt", detail }
}
