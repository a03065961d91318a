/**
 * Files that mean harm, or that harm has come to: cut, flipped, mislabelled, bombs, and what else can be made to trouble
 * a decoder. All of them are made by code from one seed, the same each time.
 */
import { crc32, deflateSync } from "node:zlib"
import sharp from "sharp"
import { exifBlock, photoPixels, pngOfZeros } from "./photos.ts"
import { plainTiff, tiffOf, tiffTag } from "./tiff.ts"

export interface HostileFile {
  readonly name: string
  readonly bytes: Buffer
  /** What may come of it: a refusal with exactly these words, anything but a plain success, or whatever has a name. */
  readonly expected: "any" | "not plain" | ReadonlyArray<string>
}

/** Numbers from 0 to 1, the same for the same seed (Mulberry32). */
export const chanceOf = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const latin = (text: string): Buffer => Buffer.from(text, "latin1")

const chunk = (kind: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([latin(kind), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}

const pngMagic = latin("\x89PNG\r\n\x1a\n")

const pngHeader = (width: number, height: number, depth = 8, colour = 2): Buffer => {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header[8] = depth
  header[9] = colour
  return chunk("IHDR", header)
}

/** A sound PNG with `extra` chunks between its header and its pixels. */
const pngWith = (...extra: ReadonlyArray<Buffer>): Buffer =>
  Buffer.concat([
    pngMagic,
    pngHeader(8, 8),
    ...extra,
    chunk("IDAT", deflateSync(Buffer.alloc(8 * 25))),
    chunk("IEND", Buffer.alloc(0))
  ])

/** A JPEG with a segment right after its start. */
const jpegWith = (jpeg: Buffer, marker: number, body: Uint8Array): Buffer => {
  const size = body.length + 2
  return Buffer.concat([
    jpeg.subarray(0, 2),
    Buffer.from([0xff, marker, size >> 8, size & 255]),
    body,
    jpeg.subarray(2)
  ])
}

/** The same JPEG, saying that it has other dimensions. */
const jpegOfSize = (jpeg: Buffer, width: number, height: number): Buffer => {
  const copy = Buffer.from(jpeg)
  for (let at = 2; at < copy.length - 9; at += 2 + copy.readUInt16BE(at + 2)) {
    if (copy[at + 1] === 0xc0 || copy[at + 1] === 0xc2) {
      copy.writeUInt16BE(height, at + 5)
      copy.writeUInt16BE(width, at + 7)
      break
    }
  }
  return copy
}

/** A GIF of `count` frames of one pixel on a screen of the given size. */
const gifOf = (count: number, width: number, height: number): Buffer => {
  const screen = Buffer.from([0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255])
  screen.writeUInt16LE(width, 0)
  screen.writeUInt16LE(height, 2)
  const frame = Buffer.from([0x21, 0xf9, 4, 0, 0, 0, 0, 0, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0])
  return Buffer.concat([latin("GIF89a"), screen, Buffer.alloc(frame.length * count, frame), latin(";")])
}

const photo = (width = 320, height = 240) =>
  sharp(photoPixels({ width, height, seed: 7 }), { raw: { width, height, channels: 3 } })

type Sound = Readonly<Record<string, Buffer>>

/** One sound file of each kind that is decoded. */
const soundFiles = async (): Promise<Sound> => {
  const frames = await Promise.all(
    ["#ff0000", "#00ff00", "#0000ff"].map((background) =>
      sharp({ create: { width: 64, height: 48, channels: 3, background } })
        .png()
        .toBuffer()
    )
  )
  return {
    "plain.jpg": await photo().jpeg({ quality: 85 }).toBuffer(),
    "progressive.jpg": await photo().jpeg({ progressive: true }).toBuffer(),
    "plain.png": await photo().png().toBuffer(),
    "interlaced.png": await photo().png({ progressive: true }).toBuffer(),
    "lossy.webp": await photo().webp({ effort: 0 }).toBuffer(),
    "lossless.webp": await photo(160, 120).webp({ lossless: true, effort: 0 }).toBuffer(),
    "plain.avif": await photo().avif({ effort: 0 }).toBuffer(),
    "moving.gif": await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer(),
    "plain.tiff": await photo(160, 120).tiff({ compression: "none" }).toBuffer(),
    "packed.tiff": await photo(160, 120).tiff({ compression: "lzw" }).toBuffer()
  }
}

const cutFiles = (sound: Sound): ReadonlyArray<HostileFile> =>
  Object.entries(sound).flatMap(([name, bytes]) =>
    [4, 20, 60, 0.1, 0.25, 0.5, 0.75, 0.9].map((place): HostileFile => {
      const length = place < 1 ? Math.floor(bytes.length * place) : place
      return { name: `${name} cut at ${place}`, bytes: bytes.subarray(0, length), expected: "not plain" }
    })
  )

/** Bits flipped behind the header. Some flips change a colour and nothing else, so any end with a name will do. */
const flippedFiles = (sound: Sound, chance: () => number): ReadonlyArray<HostileFile> =>
  Object.entries(sound).flatMap(([name, bytes]) =>
    Array.from({ length: 14 }, (_, round): HostileFile => {
      const copy = Buffer.from(bytes)
      const flips = 1 + Math.floor(chance() * 2 ** (round % 7))
      for (let flip = 0; flip < flips; flip++) {
        const at = Math.floor((round < 4 ? chance() * 0.1 : chance()) * copy.length)
        copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(chance() * 8))
      }
      return { name: `${name} with ${flips} bits flipped (${round})`, bytes: copy, expected: "any" }
    })
  )

const overwrittenFiles = (sound: Sound, chance: () => number): ReadonlyArray<HostileFile> =>
  Object.entries(sound).flatMap(([name, bytes]) =>
    [0x00, 0xff, 0xa5].map((value): HostileFile => {
      const from = Math.floor(bytes.length * (0.3 + chance() * 0.3))
      const copy = Buffer.from(bytes).fill(value, from, from + Math.floor(bytes.length / 8))
      return { name: `${name} overwritten with ${value.toString(16)}`, bytes: copy, expected: "any" }
    })
  )

const magics = [
  "\xff\xd8\xff\xe0",
  "\x89PNG\r\n\x1a\n",
  "GIF89a",
  "RIFF\xff\xff\xff\x7fWEBPVP8 ",
  "\0\0\0\x18ftypavif\0\0\0\0avifmif1",
  "II*\0\x08\0\0\0"
]

/** The beginning of one format before noise, or before the rest of another. */
const mislabelledFiles = (sound: Sound, chance: () => number): ReadonlyArray<HostileFile> =>
  magics.flatMap((magic, index) => {
    const noise = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(chance() * 256)))
    const of = (what: string, rest: Buffer): HostileFile => ({
      name: `the beginning ${index} before ${what}`,
      bytes: Buffer.concat([latin(magic), rest]),
      expected: "not plain"
    })
    return [
      of("nothing", Buffer.alloc(0)),
      of("zeros", Buffer.alloc(5_000)),
      of("a little noise", noise(100)),
      of("much noise", noise(100_000)),
      of("a PNG", sound["plain.png"]!.subarray(12)),
      of("a JPEG", sound["plain.jpg"]!.subarray(20))
    ]
  })

const limit = ["LimitExceeded"]
const refusedAs = (name: string, expected: HostileFile["expected"], bytes: Buffer | string): HostileFile => ({
  name,
  expected,
  bytes: typeof bytes === "string" ? latin(bytes) : bytes
})

const bombs = (sound: Sound): ReadonlyArray<HostileFile> => [
  refusedAs("a PNG of 256 megapixels of one bit", limit, pngOfZeros(16_000)),
  refusedAs("a PNG of 400 megapixels of one bit", limit, pngOfZeros(20_000)),
  refusedAs(
    "a PNG that says it is 60,000 wide and high",
    "not plain",
    Buffer.concat([pngMagic, pngHeader(60_000, 60_000)])
  ),
  refusedAs(
    "a PNG that says it is two thousand million wide",
    "not plain",
    Buffer.concat([pngMagic, pngHeader(0x7fffffff, 0x7fffffff), chunk("IDAT", deflateSync(Buffer.alloc(100)))])
  ),
  refusedAs("a PNG of no width", "not plain", Buffer.concat([pngMagic, pngHeader(0, 10)])),
  refusedAs("a JPEG that says it is 65,500 wide and high", limit, jpegOfSize(sound["plain.jpg"]!, 65_500, 65_500)),
  refusedAs(
    "a progressive JPEG that says it is 65,500 wide and high",
    limit,
    jpegOfSize(sound["progressive.jpg"]!, 65_500, 65_500)
  ),
  refusedAs("a JPEG that says it is higher than it is", "not plain", jpegOfSize(sound["plain.jpg"]!, 320, 9_000)),
  refusedAs("a GIF with a screen of 65,535", "any", gifOf(1, 65_535, 65_535)),
  refusedAs("a GIF of 100,000 frames", limit, gifOf(100_000, 1, 1)),
  refusedAs("a GIF of 9,000 frames", "any", gifOf(9_000, 1, 1)),
  refusedAs(
    "a TIFF that says it is 100,000 wide and high",
    "not plain",
    tiffOf([plainTiff(100_000, 100_000)], Buffer.alloc(64))
  ),
  refusedAs(
    "a TIFF whose strips are said to have 4 GB",
    "not plain",
    tiffOf([{ ...plainTiff(3_000, 3_000), [tiffTag.stripBytes]: 0xffffffff }], Buffer.alloc(64))
  ),
  refusedAs(
    "a TIFF whose strip lies outside of the file",
    "not plain",
    tiffOf([{ ...plainTiff(64, 64), [tiffTag.stripOffsets]: 0x7ffffff0 }], Buffer.alloc(64))
  ),
  refusedAs(
    "a TIFF whose strip has 70,000 rows of which one is there",
    "not plain",
    tiffOf([{ ...plainTiff(8, 70_000), [tiffTag.rowsPerStrip]: 0xffffffff }], Buffer.alloc(24))
  ),
  refusedAs("a TIFF of 2,000 samples per pixel", "not plain", tiffOf([plainTiff(8, 8, 2_000)], Buffer.alloc(64))),
  refusedAs(
    "a TIFF with 4,000 directories",
    "any",
    tiffOf(
      Array.from({ length: 4_000 }, () => plainTiff(8, 8)),
      Buffer.alloc(8 * 8 * 3)
    )
  ),
  refusedAs(
    "a TIFF with 60,000 directories",
    "not plain",
    tiffOf(
      Array.from({ length: 60_000 }, () => plainTiff(1, 1)),
      Buffer.alloc(8)
    )
  ),
  refusedAs("a TIFF whose directories run in a circle", "any", tiffOf([plainTiff(8, 8)], Buffer.alloc(192), 200)),
  refusedAs(
    "a WebP that says it is 16,383 wide and high",
    "not plain",
    latin("RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\xfe\xff\xff\x0f\0\0\0\0\0\0\0\0\0\0\0")
  ),
  refusedAs(
    "a PNG whose comment unpacks to 60 MB",
    "any",
    pngWith(chunk("zTXt", Buffer.concat([latin("Comment\0\0"), deflateSync(Buffer.alloc(60_000_000))])))
  ),
  refusedAs(
    "a PNG whose profile unpacks to 60 MB",
    "any",
    pngWith(chunk("iCCP", Buffer.concat([latin("x\0\0"), deflateSync(Buffer.alloc(60_000_000))])))
  ),
  refusedAs(
    "a PNG with more pixels packed than it has",
    "any",
    Buffer.concat([
      pngMagic,
      pngHeader(8, 8),
      chunk("IDAT", deflateSync(Buffer.alloc(30_000_000))),
      chunk("IEND", Buffer.alloc(0))
    ])
  )
]

const unsupported = ["UnsupportedFormat"]
const entities = Array.from({ length: 10 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join("")

const strangers = (sound: Sound): ReadonlyArray<HostileFile> => [
  refusedAs(
    "a ZIP bomb",
    unsupported,
    Buffer.concat([latin("PK\x03\x04\x14\0\0\0\x08\0"), deflateSync(Buffer.alloc(20_000_000))])
  ),
  refusedAs(
    "a gzip bomb",
    unsupported,
    Buffer.concat([latin("\x1f\x8b\x08\0"), deflateSync(Buffer.alloc(20_000_000))])
  ),
  refusedAs(
    "an SVG that reads a file",
    unsupported,
    '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'
  ),
  refusedAs(
    "an SVG that fetches",
    unsupported,
    '<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1:1/x.png"/></svg>'
  ),
  refusedAs(
    "an SVG that laughs a thousand million times",
    unsupported,
    `<!DOCTYPE svg [<!ENTITY l0 "ha">${entities}]><svg><text>&l10;</text></svg>`
  ),
  refusedAs(
    "an SVG behind spaces",
    unsupported,
    `${" ".repeat(400)}<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`
  ),
  refusedAs("an SVG in UTF-16", unsupported, Buffer.from('\ufeff<svg xmlns="http://www.w3.org/2000/svg"/>', "utf16le")),
  refusedAs("a PDF", unsupported, "%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"),
  refusedAs("a BMP", unsupported, Buffer.concat([latin("BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"), Buffer.alloc(40)])),
  refusedAs("a HEIC", unsupported, "\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x08meta"),
  refusedAs("a video", unsupported, "\0\0\0\x18ftypisom\0\0\0\0isommp41\0\0\0\x08moov"),
  refusedAs("a program", unsupported, Buffer.concat([latin("\x7fELF\x02\x01\x01"), Buffer.alloc(500)])),
  refusedAs("a text", unsupported, "just words ".repeat(100)),
  refusedAs(
    "a raster that libvips made",
    unsupported,
    Buffer.concat([Buffer.from([0xb6, 0xa6, 0xf2, 0x08]), Buffer.alloc(100)])
  ),
  refusedAs("a PNM", unsupported, "P6 100000 100000 255\n"),
  refusedAs("a CSV", unsupported, "1,2\n3,4\n"),
  refusedAs("nothing", ["Corrupt"], ""),
  refusedAs("one byte", unsupported, "\xff"),
  refusedAs("a million zeros", unsupported, Buffer.alloc(1_000_000)),
  refusedAs("a million ones", unsupported, Buffer.alloc(1_000_000, 0xff)),
  refusedAs("a PDF with a JPEG behind it", unsupported, Buffer.concat([latin("%PDF-1.7\n"), sound["plain.jpg"]!])),
  refusedAs(
    "a JPEG with a ZIP behind it",
    "any",
    Buffer.concat([sound["plain.jpg"]!, latin("PK\x03\x04"), Buffer.alloc(1_000)])
  ),
  refusedAs(
    "a PNG with HTML behind it",
    "any",
    Buffer.concat([sound["plain.png"]!, latin("<script>alert(1)</script>")])
  ),
  refusedAs("a GIF that is JavaScript too", "not plain", "GIF89a/*\0\0\0\0*/=1;alert(1)"),
  refusedAs(
    "a JPEG with PHP in its comment",
    "any",
    jpegWith(sound["plain.jpg"]!, 0xfe, latin("<?php system($_GET[0]); ?>"))
  )
]

const oddities = (sound: Sound, chance: () => number): ReadonlyArray<HostileFile> => {
  const jpeg = sound["plain.jpg"]!
  const noise = Buffer.from(Array.from({ length: 3_000 }, () => Math.floor(chance() * 256)))
  const profile = Buffer.concat([latin("ICC_PROFILE\0\x01\x01"), noise])
  const loop = exifBlock({ little: true, image: { 0x8769: { long: 8 }, 0x8825: { long: 8 }, 0x0112: { short: 6 } } })
  const nowhere = exifBlock({ little: false, image: { 0x8769: { long: 0xfffffff0 }, 0x0112: { short: 77 } } })
  return [
    refusedAs("a JPEG with a nonsensical profile", "any", jpegWith(jpeg, 0xe2, profile)),
    refusedAs("a JPEG with an empty profile", "any", jpegWith(jpeg, 0xe2, profile.subarray(0, 14))),
    refusedAs(
      "a PNG with a nonsensical profile",
      "any",
      pngWith(chunk("iCCP", Buffer.concat([latin("x\0\0"), deflateSync(noise)])))
    ),
    refusedAs("a JPEG whose EXIF leads back to itself", "any", jpegWith(jpeg, 0xe1, loop)),
    refusedAs("a JPEG whose EXIF leads out of the file", "any", jpegWith(jpeg, 0xe1, nowhere)),
    refusedAs("a JPEG whose EXIF is noise", "any", jpegWith(jpeg, 0xe1, Buffer.concat([latin("Exif\0\0"), noise]))),
    refusedAs(
      "a JPEG with XMP that opens a million tags",
      "any",
      jpegWith(jpeg, 0xe1, latin(`http://ns.adobe.com/xap/1.0/\0${"<a>".repeat(20_000)}`))
    ),
    refusedAs("a PNG with EXIF that is noise", "any", pngWith(chunk("eXIf", noise))),
    refusedAs("a PNG with wrong sums", "not plain", Buffer.from(pngWith()).fill(0, 29, 33)),
    refusedAs("a PNG with a palette it does not use", "any", pngWith(chunk("PLTE", Buffer.alloc(30)))),
    refusedAs(
      "a PNG with its end first",
      "not plain",
      Buffer.concat([pngMagic, chunk("IEND", Buffer.alloc(0)), pngHeader(8, 8)])
    ),
    refusedAs(
      "a JPEG of nothing but restarts",
      "not plain",
      Buffer.concat([latin("\xff\xd8"), Buffer.alloc(50_000, latin("\xff\xd0"))])
    )
  ]
}

/** All of them: more than 300, the same for the same seed. */
export const hostileFiles = async (seed: number): Promise<ReadonlyArray<HostileFile>> => {
  const chance = chanceOf(seed)
  const sound = await soundFiles()
  return [
    ...cutFiles(sound),
    ...flippedFiles(sound, chance),
    ...overwrittenFiles(sound, chance),
    ...mislabelledFiles(sound, chance),
    ...bombs(sound),
    ...strangers(sound),
    ...oddities(sound, chance)
  ]
}
