/** Turns the bytes of a feed or a page into text by the encoding it names; UTF-8 when it names none. */

const boms: ReadonlyArray<readonly [string, ReadonlyArray<number>]> = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-16le", [0xff, 0xfe]],
  ["utf-16be", [0xfe, 0xff]]
]

/** The encoding's name, in order of authority: byte order mark, header, XML declaration, HTML meta. */
const encodingOf = (bytes: Uint8Array, contentType: string | undefined): string => {
  const bom = boms.find(([, mark]) => mark.every((byte, i) => bytes[i] === byte))
  if (bom !== undefined) return bom[0]
  const header = /charset\s*=\s*["']?([\w.:-]+)/i.exec(contentType ?? "")?.[1]
  if (header !== undefined) return header
  const head = Buffer.from(bytes.subarray(0, 1024)).toString("latin1")
  return (
    /^\s*<\?xml[^>]*\bencoding\s*=\s*["']([\w.:-]+)["']/i.exec(head)?.[1] ??
    /<meta[^>]+charset\s*=\s*["']?([\w.:-]+)/i.exec(head)?.[1] ??
    "utf-8"
  )
}

/** The text of a body. Never fails: an unknown encoding is read as UTF-8, bad bytes become U+FFFD. */
export const decodeBytes = (bytes: Uint8Array, contentType?: string): string => {
  const label = encodingOf(bytes, contentType)
  try {
    return new TextDecoder(label).decode(bytes)
  } catch {
    return new TextDecoder().decode(bytes)
  }
}
