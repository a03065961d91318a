/**
 * Headers on the wire. Kafka has bytes where Postroom has text: UTF-8, with
 * halves of surrogate pairs as WTF-8 has them (simonsapin.github.io/wtf-8), so
 * that any text comes back as it was. What others wrote in other bytes is read
 * with replacement characters.
 */
import type { Headers } from "../Record.ts"
import type { WireRecord } from "./WireRecord.ts"

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const encodeHalf = (unit: number): ReadonlyArray<number> => [
  0xe0 | (unit >> 12),
  0x80 | ((unit >> 6) & 0x3f),
  0x80 | (unit & 0x3f)
]

/** Text as bytes. */
export const encodeText = (text: string): Buffer => {
  if (text.isWellFormed()) return Buffer.from(text)
  const parts: Array<Buffer> = []
  for (const character of text) {
    parts.push(character.isWellFormed() ? Buffer.from(character) : Buffer.from(encodeHalf(character.charCodeAt(0))))
  }
  return Buffer.concat(parts)
}

/** Where half of a surrogate pair stands at `at`, as WTF-8 writes it: its code unit. */
const halfAt = (bytes: Buffer, at: number): number | undefined => {
  const [first, second, third] = [bytes[at]!, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0]
  if (first !== 0xed || second < 0xa0 || second > 0xbf || (third & 0xc0) !== 0x80) return undefined
  return 0xd000 | ((second & 0x3f) << 6) | (third & 0x3f)
}

/** Bytes as text. */
export const decodeText = (bytes: Buffer): string => {
  try {
    return strict.decode(bytes)
  } catch {
    let text = ""
    let from = 0
    for (let at = 0; at < bytes.length; at++) {
      const half = halfAt(bytes, at)
      if (half === undefined) continue
      text += bytes.toString("utf8", from, at) + String.fromCharCode(half)
      from = at + 3
      at += 2
    }
    return text + bytes.toString("utf8", from)
  }
}

export const encodeHeaders = (headers: Headers): Record<string, Buffer> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, encodeText(value)]))

/** Of a header that stands several times, the last counts. */
export const decodeHeaders = (headers: WireRecord["headers"]): Headers => {
  const entries: Array<readonly [string, string]> = []
  for (const [name, value] of Object.entries(headers ?? {})) {
    const last = Array.isArray(value) ? value.at(-1) : (value as Buffer | undefined)
    if (last !== undefined && last !== null) entries.push([name, decodeText(last)])
  }
  return Object.fromEntries(entries)
}
