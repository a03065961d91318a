/** What a picture's header says, and whether it may be decoded: all limits hold before the first pixel is made. */
import * as fs from "node:fs"
import sharp, { type Metadata, type Sharp, type SharpOptions } from "sharp"
import { DecodeFailure } from "./DecodeFailure.ts"
import { type Format, headBytes, kindOf } from "./Format.ts"
import type { Limits, Source } from "./Job.ts"

/** What is known of a picture before it is decoded. */
export interface Inspected {
  readonly source: Source
  readonly header: Metadata
  /** What decoding it is going to take at the most, beside what a decoder takes anyway, in bytes. */
  readonly memory: number
  /** What is wrong with the file although a decoder may not mind. */
  readonly doubt?: string
}

export type Strictness = NonNullable<SharpOptions["failOn"]>

/** A picture to be read; nothing is read yet. `pages`: how many frames of an animation, from the first. */
export const open = (input: string, limits: Limits, failOn: Strictness, pages = 1): Sharp =>
  sharp(input, {
    failOn,
    pages,
    limitInputPixels: limits.maxPixels,
    limitInputChannels: limits.maxChannels,
    autoOrient: true,
    sequentialRead: true
  }).timeout({ seconds: limits.softSeconds })

const exceeded = (limit: "bytes" | "pixels" | "frames" | "memory", detail: string) =>
  new DecodeFailure({ _tag: "LimitExceeded", limit, detail })

const readAt = (input: string, from: number, most: number): Uint8Array => {
  const file = fs.openSync(input, "r")
  try {
    const bytes = Buffer.alloc(most)
    return bytes.subarray(0, fs.readSync(file, bytes, 0, most, from))
  } finally {
    fs.closeSync(file)
  }
}

/** The last byte of a GIF (GIF89a §27): one that is cut behind its first frame decodes without a complaint. */
const gifTrailer = 0x3b

/**
 * Bytes that decoding takes per pixel of the picture, rounded up from measurements with 12 megapixels: baseline
 * JPEG is made smaller while it is read; what is progressive or interlaced is held whole; AVIF in planes of 16 bits.
 */
const bytesPerPixel = (format: Format, { isProgressive = false }: Metadata): number =>
  ({ jpeg: isProgressive ? 10 : 4, png: isProgressive ? 10 : 6, webp: 7, avif: 26, gif: 11, tiff: 6 })[format]

const isDeep = ({ depth }: Metadata): boolean => depth !== undefined && !/^u?char$/.test(depth)

/** What the header says; refuses what is empty, of no known kind, or beyond a limit. */
export const inspect = async (input: string, limits: Limits): Promise<Inspected> => {
  const bytes = fs.statSync(input).size
  if (bytes === 0) throw new DecodeFailure({ _tag: "Corrupt", detail: "the file is empty" })
  if (bytes > limits.maxBytes) {
    throw exceeded("bytes", `the file has ${bytes} bytes, allowed are ${limits.maxBytes}`)
  }
  const kind = kindOf(readAt(input, 0, headBytes))
  if (!("format" in kind)) {
    throw new DecodeFailure({ _tag: "UnsupportedFormat", detail: `${kind.other} is not converted` })
  }
  // Nothing is decoded for it; the limit is checked here, where what it was exceeded by can be said.
  const header = await open(input, { ...limits, maxPixels: Number.MAX_SAFE_INTEGER }, "none").metadata()
  const { width, height } = header.autoOrient
  if (width * height > limits.maxPixels) {
    throw exceeded("pixels", `the picture is ${width}×${height}, allowed are ${limits.maxPixels} pixels`)
  }
  const frames = header.pages ?? 1
  if (frames > limits.maxFrames) {
    throw exceeded("frames", `the file has ${frames} frames, allowed are ${limits.maxFrames}`)
  }
  const memory = width * height * bytesPerPixel(kind.format, header) * (isDeep(header) ? 2 : 1)
  if (memory > limits.maxMemory) {
    const [needed, allowed] = [memory, limits.maxMemory].map((size) => Math.round(size / 2 ** 20))
    throw exceeded("memory", `decoding the picture takes up to ${needed} MB, allowed are ${allowed}`)
  }
  const isCut = kind.format === "gif" && readAt(input, bytes - 1, 1)[0] !== gifTrailer
  const source = { format: kind.format, width, height, bytes, frames }
  return { source, header, memory, ...(isCut ? { doubt: "the file does not end where a GIF does" } : {}) }
}
