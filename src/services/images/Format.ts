/**
 * What kind of file this is, told by its first bytes and never by its name. Only what is on the list reaches a decoder;
 * what is not is refused with a name that people know.
 */

/** Formats that are decoded here, as libvips' readers call them. */
export const decodable = ["jpeg", "png", "webp", "avif", "gif", "tiff"] as const
export type Format = (typeof decodable)[number]

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

const isoKind = (head: Uint8Array): Format | string => {
  const brands = brandsOf(head)
  if (brands.some((brand) => brand === "avif" || brand === "avis")) return "avif"
  if (brands.some((brand) => /^(hei[cmxs]|hev[cmxs]|mif1|msf1)$/.test(brand))) return "a HEIC picture"
  if (brands[0] === "crx ") return "a camera's raw picture"
  return "a video"
}

/** What people upload by mistake, or to try us: by the first bytes, … */
const beginnings: ReadonlyArray<readonly [string, string]> = [
  ["%PDF-", "a PDF document"],
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
  ["\x1aE\xdf\xa3", "a video"],
  ["FUJIFILM", "a camera's raw picture"],
  ["ID3", "a sound"],
  ["OggS", "a sound"],
  ["fLaC", "a sound"]
]

/** … or by what can be read there. */
const texts: ReadonlyArray<readonly [RegExp, string]> = [
  [/^RIFF....WAVE/s, "a sound"],
  [/^RIFF....AVI /s, "a video"],
  [/^(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE svg|<svg)/is, "an SVG drawing"],
  [/^(\xef\xbb\xbf)?\s*<(!doctype html|html|\?xml)/i, "a text in HTML or XML"]
]

const nameOf = (text: string): string =>
  beginnings.find(([beginning]) => text.startsWith(beginning))?.[1] ??
  texts.find(([pattern]) => pattern.test(text))?.[1] ??
  "no picture of a known kind"

const isTiff = (text: string): boolean => ["II*\0", "II+\0", "MM\0*", "MM\0+"].some((mark) => text.startsWith(mark))

/** The format of a file that begins with `head`, or in `other` what it is instead. */
export const formatOf = (head: Uint8Array): { readonly format: Format } | { readonly other: string } => {
  const text = ascii(head, 0, headBytes)
  if (text.startsWith("\xff\xd8\xff")) return { format: "jpeg" }
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return { format: "png" }
  if (/^GIF8[79]a/.test(text)) return { format: "gif" }
  if (/^RIFF....WEBP/s.test(text)) return { format: "webp" }
  // Canon's raw is a TIFF with a mark of its own; its first picture is but a small preview.
  if (isTiff(text)) return text.startsWith("CR", 8) ? { other: "a camera's raw picture" } : { format: "tiff" }
  if (text.startsWith("ftyp", 4)) {
    const kind = isoKind(head)
    return kind === "avif" ? { format: "avif" } : { other: kind }
  }
  return { other: nameOf(text) }
}
