/** Photographs made by code: smooth light, edges and grain, so that they compress like those of a camera. */
import { crc32, deflateSync } from "node:zlib"
import sharp from "sharp"

/** A picture to make. */
export interface PhotoOptions {
  readonly width: number
  readonly height: number
  /** Same seed, same picture. */
  readonly seed: number
  readonly quality?: number
}

/** The raw RGB pixels of a synthetic photograph. */
export const photoPixels = ({ width, height, seed }: PhotoOptions): Buffer => {
  const pixels = Buffer.allocUnsafe(width * height * 3)
  let state = (seed + 1) * 2_654_435_761
  for (let y = 0, at = 0; y < height; y++) {
    const v = y / height
    for (let x = 0; x < width; x++, at += 3) {
      state = (state ^ (state << 13)) | 0
      state = state ^ (state >>> 17)
      state = (state ^ (state << 5)) | 0
      const u = x / width
      const grain = (state & 15) - 7
      const light = 110 + 70 * Math.sin(6 * u + seed) * Math.cos(5 * v) + 20 * Math.sin(90 * u * v + seed)
      const edge = ((x >> 7) + (y >> 7) + seed) % 5 === 0 ? 35 : 0
      pixels[at] = Math.max(0, Math.min(255, light + edge + grain))
      pixels[at + 1] = Math.max(0, Math.min(255, light * 0.9 + grain + 30 * v))
      pixels[at + 2] = Math.max(0, Math.min(255, 200 - light * 0.6 + grain + 20 * u))
    }
  }
  return pixels
}

/** A synthetic photograph as JPEG bytes. */
export const syntheticPhoto = (options: PhotoOptions): Promise<Buffer> =>
  sharp(photoPixels(options), { raw: { width: options.width, height: options.height, channels: 3 } })
    .jpeg({ quality: options.quality ?? 91 })
    .toBuffer()

/** A black square of `edge`² pixels of one bit: a small file that swells when it is decoded. */
export const pngOfZeros = (edge: number): Buffer => {
  const chunk = (kind: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(kind, "latin1"), data])
    const frame = Buffer.alloc(8)
    frame.writeUInt32BE(data.length, 0)
    frame.writeUInt32BE(crc32(body), 4)
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(edge, 0)
  header.writeUInt32BE(edge, 4)
  header[8] = 1
  const rows = Buffer.alloc((Math.ceil(edge / 8) + 1) * edge)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0))
  ])
}

/** A value of an EXIF field. */
export type ExifValue =
  | { readonly short: number }
  | { readonly long: number }
  | { readonly text: string }
  | { readonly rational: ReadonlyArray<readonly [number, number]> }

/** Fields by tag, per directory. */
export interface ExifFields {
  readonly little: boolean
  readonly image?: Readonly<Record<number, ExifValue>>
  readonly photo?: Readonly<Record<number, ExifValue>>
  readonly gps?: Readonly<Record<number, ExifValue>>
}

/** An EXIF block (`Exif\0\0` and a TIFF structure) with these fields, written by the book. */
export const exifBlock = ({ little, image = {}, photo, gps }: ExifFields): Buffer => {
  const tiff = Buffer.alloc(4_096)
  const short = (value: number, at: number) => (little ? tiff.writeUInt16LE(value, at) : tiff.writeUInt16BE(value, at))
  const long = (value: number, at: number) => (little ? tiff.writeUInt32LE(value, at) : tiff.writeUInt32BE(value, at))
  tiff.write(little ? "II" : "MM", "latin1")
  short(42, 2)
  long(8, 4)
  let free = 8
  const directory = (fields: Readonly<Record<number, ExifValue>>): number => {
    const entries = Object.entries(fields).sort(([a], [b]) => Number(a) - Number(b))
    const start = free
    free += 2 + entries.length * 12 + 4
    short(entries.length, start)
    for (const [index, [tag, value]] of entries.entries()) {
      const at = start + 2 + index * 12
      const head = (type: number, count: number) => {
        short(Number(tag), at)
        short(type, at + 2)
        long(count, at + 4)
      }
      if ("short" in value) {
        head(3, 1)
        short(value.short, at + 8)
      } else if ("long" in value) {
        head(4, 1)
        long(value.long, at + 8)
      } else if ("text" in value) {
        const text = Buffer.from(`${value.text}\0`)
        head(2, text.length)
        if (text.length > 4) long(free, at + 8)
        text.copy(tiff, text.length > 4 ? free : at + 8)
        if (text.length > 4) free += text.length + (text.length % 2)
      } else {
        head(5, value.rational.length)
        long(free, at + 8)
        for (const [over, under] of value.rational) {
          long(over, free)
          long(under, free + 4)
          free += 8
        }
      }
    }
    return start
  }
  // The first directory is written last, when the places of the other two are known.
  const start = directory({
    ...(photo === undefined ? {} : { 0x8769: { long: directory(photo) } }),
    ...(gps === undefined ? {} : { 0x8825: { long: directory(gps) } }),
    ...image
  })
  long(start, 4)
  return Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff.subarray(0, free)])
}

/**
 * An ICC profile (ICC.1:2001) of a display with Adobe RGB's primaries and gamma 2.2: colours it means are others than
 * those sRGB means by the same numbers.
 */
export const adobeRgbProfile = (): Buffer => {
  const fixed = (...values: ReadonlyArray<number>) => {
    const bytes = Buffer.alloc(values.length * 4)
    for (const [index, value] of values.entries()) bytes.writeInt32BE(Math.round(value * 65_536), index * 4)
    return bytes
  }
  const tagged = (kind: string, ...parts: ReadonlyArray<Buffer>) =>
    Buffer.concat([Buffer.from(kind, "latin1"), Buffer.alloc(4), ...parts])
  const name = Buffer.from("Wide\0", "latin1")
  const text = Buffer.alloc(4 + name.length + 79)
  text.writeUInt32BE(name.length)
  name.copy(text, 4)
  const gamma = tagged("curv", Buffer.from([0, 0, 0, 1, 2, 0x33, 0, 0]))
  const tags: ReadonlyArray<readonly [string, Buffer]> = [
    ["desc", tagged("desc", text)],
    ["cprt", tagged("text", Buffer.from("none\0", "latin1"))],
    ["wtpt", tagged("XYZ ", fixed(0.9642, 1, 0.8249))],
    ["rXYZ", tagged("XYZ ", fixed(0.60974, 0.31111, 0.01947))],
    ["gXYZ", tagged("XYZ ", fixed(0.20528, 0.62567, 0.06087))],
    ["bXYZ", tagged("XYZ ", fixed(0.14919, 0.06322, 0.74457))],
    ["rTRC", gamma],
    ["gTRC", gamma],
    ["bTRC", gamma]
  ]
  const table = Buffer.alloc(4 + tags.length * 12)
  table.writeUInt32BE(tags.length)
  let at = 128 + table.length
  const bodies = tags.map(([tag, body], index) => {
    table.write(tag, 4 + index * 12, "latin1")
    table.writeUInt32BE(at, 8 + index * 12)
    table.writeUInt32BE(body.length, 12 + index * 12)
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)])
    at += padded.length
    return padded
  })
  const header = Buffer.alloc(128)
  header.writeUInt32BE(at)
  header.writeUInt32BE(0x02400000, 8)
  header.write("mntrRGB XYZ ", 12, "latin1")
  header.write("acsp", 36, "latin1")
  fixed(0.9642, 1, 0.8249).copy(header, 68)
  return Buffer.concat([header, table, ...bodies])
}
