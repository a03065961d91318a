/**
 * What kind of file this is, told by its first bytes and never by its name. Only what is on the list reaches a decoder;
 * what is not is refused with a name that people know.
 */

/** Formats that are decoded here, as libvips' readers call them. */
export const decodable = ["jpeg", "png", "webp", "avif", "gif", "tiff"] as const
export type Format = (typeof decodable)[number]

/** Kinds of which a program of the machine can make a picture, where there is one (Programs.ts). */
export type Foreign = "heic" | "pdf" | "raw" | "mp4" | "matroska" | "avi"

/** What a file is: of a format that is decoded here, or something else that people have a name for. */
export type Kind = { readonly format: Format } | { readonly other: string; readonly foreign: Foreign | null }

/** So many of the first bytes tell. */
export const headBytes = 512

const ascii = (head: Uint8Array, from: number, to: number): string =>
  Buffer.from(head.subarray(from, to)).toString("latin1")

/** The brands of an ISO media file (ISO/IEC 14496-12 §4.3): the major one and those it is compatible with. */
const brandsOf = (head: Uint8Array): ReadonlyArray<string> => {
  const end = Math.min(head.length, new DataView(head.buffer, head.byteOffset).getUint32(0))
  const brands: Array<string> = [ascii(head, 8, 12)]
  for (let at = 16; at + 4 <= end; at += 4) brands.push(ascii(head, at, at + 4))
  return brands
}

const raw = { other: "a camera's raw picture", foreign: "raw" } as const

const isoKind = (head: Uint8Array): Kind => {
  const brands = brandsOf(head)
  if (brands.some((brand) => brand === "avif" || brand === "avis")) return { format: "avif" }
  if (brands.some((brand) => /^(hei[cmxs]|hev[cmxs]|mif1|msf1)$/.test(brand)))
    return { other: "a HEIC picture", foreign: "heic" }
  return brands[0] === "crx " ? raw : { other: "a video", foreign: "mp4" }
}

/** What people upload by mistake, or to try us: by the first bytes, … */
const beginnings: ReadonlyArray<readonly [string, string, Foreign?]> = [
  ["%PDF-", "a PDF document", "pdf"],
  ["PK\x03\x04", "a ZIP archive"],
  ["PK\x05\x06", "a ZIP archive"],
  ["\x1f\x8b", "a gzip archive"],
  ["8BPS", "a Photoshop document"],
  ["BM", "a BMP picture"],
  ["\0\0\x01\0", "an icon"],
  ["\0\0\0\x0cjP  ", "a JPEG 2000 picture"],
  ["\xff\x4f\xff\x51", "a JPEG 2000 picture"],
  ["\xff\x0a", "a JPEG XL picture"],
  ["\0\0\0\x0cJXL ", "a JPEG XL picture"],
  ["\x1aE\xdf\xa3", "a video", "matroska"],
  ["FUJIFILM", "a camera's raw picture", "raw"],
  ["ID3", "a sound"],
  ["OggS", "a sound"],
  ["fLaC", "a sound"]
]

/** … or by what can be read there. */
const texts: ReadonlyArray<readonly [RegExp, string, Foreign?]> = [
  [/^RIFF....WAVE/s, "a sound"],
  [/^RIFF....AVI /s, "a video", "avi"],
  [/^(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE svg|<svg)/is, "an SVG drawing"],
  [/^(\xef\xbb\xbf)?\s*<(!doctype html|html|\?xml)/i, "a text in HTML or XML"]
]

const strangerOf = (text: string): Kind => {
  const [, other = "no picture of a known kind", foreign = null] =
    beginnings.find(([beginning]) => text.startsWith(beginning)) ?? texts.find(([pattern]) => pattern.test(text)) ?? []
  return { other, foreign }
}

const isTiff = (text: string): boolean => ["II*\0", "II+\0", "MM\0*", "MM\0+"].some((mark) => text.startsWith(mark))

/** What a file is that begins with `head`. */
export const kindOf = (head: Uint8Array): Kind => {
  const text = ascii(head, 0, headBytes)
  if (text.startsWith("\xff\xd8\xff")) return { format: "jpeg" }
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return { format: "png" }
  if (/^GIF8[79]a/.test(text)) return { format: "gif" }
  if (/^RIFF....WEBP/s.test(text)) return { format: "webp" }
  // Canon's raw is a TIFF with a mark of its own; its first picture is but a small preview.
  if (isTiff(text)) return text.startsWith("CR", 8) ? raw : { format: "tiff" }
  return text.startsWith("ftyp", 4) ? isoKind(head) : strangerOf(text)
}
