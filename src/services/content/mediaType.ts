/**
 * What content is, told by its first bytes and never by what somebody says of
 * it. A name tells only what no bytes can: that a text is CSV or Markdown.
 * Signatures: the formats' own specifications, as collected in the WHATWG's
 * MIME Sniffing Standard, section 6.
 */

/** Content that nothing is known of. */
export const unknownType = "application/octet-stream"

const ascii = (head: Uint8Array, from: number, to: number): string =>
  Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString("latin1", from, to)

/** A type, and the bytes that begin with it at an offset. */
const signatures: ReadonlyArray<readonly [string, number, string]> = [
  ["image/jpeg", 0, "\xff\xd8\xff"],
  ["image/png", 0, "\x89PNG\r\n\x1a\n"],
  ["image/gif", 0, "GIF87a"],
  ["image/gif", 0, "GIF89a"],
  ["image/tiff", 0, "II*\0"],
  ["image/tiff", 0, "MM\0*"],
  ["image/bmp", 0, "BM"],
  ["image/jp2", 0, "\0\0\0\x0cjP  "],
  ["image/vnd.adobe.photoshop", 0, "8BPS"],
  ["application/pdf", 0, "%PDF-"],
  ["application/zip", 0, "PK\x03\x04"],
  ["application/zip", 0, "PK\x05\x06"],
  ["application/gzip", 0, "\x1f\x8b"],
  ["application/x-7z-compressed", 0, "7z\xbc\xaf\x27\x1c"],
  ["application/vnd.rar", 0, "Rar!\x1a\x07"],
  ["video/webm", 0, "\x1a\x45\xdf\xa3"],
  ["video/mp2t", 188, "\x47"],
  ["audio/mpeg", 0, "ID3"],
  ["audio/flac", 0, "fLaC"],
  ["audio/ogg", 0, "OggS"]
]

const riffTypes: Readonly<Record<string, string>> = { WEBP: "image/webp", "AVI ": "video/x-msvideo", WAVE: "audio/wav" }

/** By the major brand of an ISO media file. */
const brandTypes: Readonly<Record<string, string>> = {
  avif: "image/avif",
  avis: "image/avif",
  heic: "image/heic",
  heix: "image/heic",
  hevc: "image/heic",
  mif1: "image/heif",
  msf1: "image/heif",
  "qt  ": "video/quicktime",
  "M4A ": "audio/mp4",
  "crx ": "image/x-canon-cr3"
}

const textTypes: Readonly<Record<string, string>> = {
  csv: "text/csv",
  json: "application/json",
  md: "text/markdown",
  xml: "application/xml"
}

/** Whether the bytes are text: UTF-8 (cut off anywhere) without control characters but blanks and line ends. */
const isText = (head: Uint8Array): boolean => {
  if (head.some((byte) => byte < 32 && ![9, 10, 12, 13, 27].includes(byte))) return false
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true })
    return true
  } catch {
    return false
  }
}

const ofText = (head: Uint8Array, name: string): string => {
  const text = new TextDecoder().decode(head)
  if (/^\ufeff?\s*(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/i.test(text))
    return "image/svg+xml"
  if (/^\ufeff?\s*(<!--[\s\S]*?-->\s*)*<(!doctype html|html|head|body|script|iframe)[\s>]/i.test(text))
    return "text/html"
  return textTypes[/\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? ""] ?? "text/plain"
}

/** The media type of content that begins with `head`; `name` is that of its file. */
export const mediaTypeOf = (head: Uint8Array, name: string): string => {
  const found = signatures.find(([, at, bytes]) => ascii(head, at, at + bytes.length) === bytes)
  if (found !== undefined && (found[0] !== "video/mp2t" || head[0] === 0x47)) return found[0]
  if (ascii(head, 0, 4) === "RIFF") return riffTypes[ascii(head, 8, 12)] ?? unknownType
  if (ascii(head, 4, 8) === "ftyp") return brandTypes[ascii(head, 8, 12)] ?? "video/mp4"
  if (head.length === 0) return unknownType
  return isText(head) ? ofText(head, name) : unknownType
}

/** Pictures that browsers draw and that cannot run anything. */
const rasters = new Set(["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"])

/** Whether a browser may show it in place; everything else is only handed out as a file. */
export const isRaster = (mediaType: string): boolean => rasters.has(mediaType)
