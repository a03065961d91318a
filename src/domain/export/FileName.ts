/**
 * Names of items as names of files that every system takes and that lead
 * nowhere: no separators, control characters or signs that turn the direction of
 * a text, no `.` and `..`, no names of Windows' devices, none too long.
 */

/** Bytes of UTF-8 that a name may have: file systems take 255, and a number may be added. */
const longest = 200

const bytesOf = (text: string): number => Buffer.byteLength(text, "utf8")

/** Control characters, what Windows refuses, what separates, and what makes `gpj.exe` look like `exe.jpg`. */
// oxlint-disable-next-line no-control-regex -- control characters are what has to go
const unsafe = /[\u0000-\u001f\u007f-\u009f<>:"/\\|?*\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

const device = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)/i

/** The part behind the last dot, with the dot, where it looks like an extension; else nothing. */
export const extensionOf = (name: string): string => /(?<=.)\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? ""

/** The first characters of `text` that have at most so many bytes; no character is cut. */
const cut = (text: string, most: number): string => {
  if (bytesOf(text) <= most) return text
  let bytes = 0
  let kept = ""
  for (const character of text) {
    bytes += bytesOf(character)
    if (bytes > most) break
    kept += character
  }
  return kept
}

/** Neither end may have blanks, nor the last one dots: Windows drops them. */
const trimmed = (text: string): string => text.replace(/^\s+|[\s.]+$/g, "")

/** A file's name for what people call `name`. */
export const fileNameOf = (name: string): string => {
  const plain = trimmed(name.toWellFormed().normalize("NFC").replace(unsafe, "_"))
  const extension = extensionOf(plain)
  const stem = trimmed(cut(plain.slice(0, plain.length - extension.length), longest - extension.length))
  const whole = `${stem === "" ? "_" : stem}${extension}`
  return device.test(whole) ? `_${whole}` : whole
}

const extensions: Readonly<Record<string, string>> = {
  "image/jpeg": ".jpg",
  "image/png": ".png",
  "image/gif": ".gif",
  "image/webp": ".webp",
  "image/avif": ".avif",
  "image/tiff": ".tif",
  "image/heic": ".heic",
  "application/pdf": ".pdf",
  "application/zip": ".zip",
  "application/json": ".json",
  "text/plain": ".txt",
  "text/csv": ".csv",
  "video/mp4": ".mp4",
  "video/quicktime": ".mov",
  "video/webm": ".webm"
}

/** The name with the extension of its type, where it has none. */
export const withExtension = (name: string, mediaType: string): string =>
  extensionOf(name) === "" ? name + (extensions[mediaType] ?? "") : name

/** The name with the extension of another type in the place of its own. */
export const asType = (name: string, mediaType: string): string => {
  const extension = extensionOf(name)
  const wanted = extensions[mediaType] ?? extension
  if (extension.toLowerCase() === wanted || (wanted === ".jpg" && extension.toLowerCase() === ".jpeg")) return name
  return name.slice(0, name.length - extension.length) + wanted
}

/** Names of one folder, each given once: also where systems do not tell large letters from small ones. */
export interface Names {
  readonly take: (name: string) => string
}

export const makeNames = (taken: ReadonlyArray<string> = []): Names => {
  const keyOf = (name: string) => name.normalize("NFC").toLowerCase()
  const used = new Set(taken.map(keyOf))
  /** By name, the next number to try: ten thousand of one name are not tried one after the other. */
  const next = new Map<string, number>()
  return {
    take: (name) => {
      const safe = fileNameOf(name)
      const extension = extensionOf(safe)
      const stem = safe.slice(0, safe.length - extension.length)
      let found = safe
      let number = next.get(keyOf(safe)) ?? 2
      while (used.has(keyOf(found))) found = `${stem} (${number++})${extension}`
      next.set(keyOf(safe), number)
      used.add(keyOf(found))
      return found
    }
  }
}
