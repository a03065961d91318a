/**
 * Byte framing of an MTProto connection. A client picks the transport with its first bytes; whatever it sends
 * after that can only be a frame, too few bytes, or an offence: a length outside the bounds ends the connection
 * and can neither loop nor reserve memory.
 * Source: core.telegram.org/mtproto/mtproto-transports.
 */
import { crc32 } from "node:zlib"

/** The largest frame a client may announce. Real clients stay under 1 MiB + headers. */
export const maxFrameBytes = 2 ** 22

type TransportName = "full" | "abridged" | "intermediate" | "padded"

/** What a reader found at the start of its bytes. */
type FrameRead =
  | { readonly _tag: "Frame"; readonly payload: Buffer; readonly rest: Buffer }
  | { readonly _tag: "Incomplete" }
  | { readonly _tag: "Malformed"; readonly why: string }

/** One transport: `read` takes one frame off the front, `write` wraps a payload. Each connection has its own. */
export interface Transport {
  readonly name: TransportName
  readonly read: (bytes: Buffer) => FrameRead
  readonly write: (payload: Buffer) => Buffer
}

const incomplete: FrameRead = { _tag: "Incomplete" }
const malformed = (why: string): FrameRead => ({ _tag: "Malformed", why })
const frame = (bytes: Buffer, from: number, to: number, end: number): FrameRead => ({
  _tag: "Frame",
  payload: bytes.subarray(from, to),
  rest: bytes.subarray(end)
})

/** TCP Full: length, sequence number, payload, CRC32 of all before it. Both counters start at 0. */
const full = (): Transport => {
  let received = 0
  let sent = 0
  return {
    name: "full",
    read: (bytes) => {
      if (bytes.length < 4) return incomplete
      const length = bytes.readInt32LE(0)
      if (length < 12 || length > maxFrameBytes || length % 4 !== 0) return malformed(`frame length ${length}`)
      if (bytes.length < length) return incomplete
      if (bytes.readUInt32LE(length - 4) !== crc32(bytes.subarray(0, length - 4))) return malformed("checksum")
      if (bytes.readInt32LE(4) !== received) return malformed("sequence number")
      received += 1
      return frame(bytes, 8, length - 4, length)
    },
    write: (payload) => {
      const out = Buffer.alloc(payload.length + 12)
      out.writeInt32LE(out.length, 0)
      out.writeInt32LE(sent, 4)
      payload.copy(out, 8)
      out.writeUInt32LE(crc32(out.subarray(0, out.length - 4)), out.length - 4)
      sent += 1
      return out
    }
  }
}

const abridged: Transport = {
  name: "abridged",
  read: (bytes) => {
    if (bytes.length < 1) return incomplete
    const first = bytes[0]! & 0x7f
    if (first === 0x7f && bytes.length < 4) return incomplete
    const header = first === 0x7f ? 4 : 1
    const length = (first === 0x7f ? bytes.readUIntLE(1, 3) : first) * 4
    if (length === 0 || length > maxFrameBytes) return malformed(`frame length ${length}`)
    if (bytes.length < header + length) return incomplete
    return frame(bytes, header, header + length, header + length)
  },
  write: (payload) => {
    const words = payload.length / 4
    const header = words < 0x7f ? Buffer.from([words]) : Buffer.from([0x7f, words, words >> 8, words >> 16])
    return Buffer.concat([header, payload])
  }
}

const intermediate = (padded: boolean): Transport => ({
  name: padded ? "padded" : "intermediate",
  read: (bytes) => {
    if (bytes.length < 4) return incomplete
    const length = bytes.readUInt32LE(0) & 0x7fffffff
    if (length < 4 || length > maxFrameBytes) return malformed(`frame length ${length}`)
    if (bytes.length < 4 + length) return incomplete
    return frame(bytes, 4, 4 + length, 4 + length)
  },
  write: (payload) => {
    const header = Buffer.alloc(4)
    header.writeUInt32LE(payload.length)
    return Buffer.concat([header, payload])
  }
})

/**
 * Tells the transport from a connection's first bytes: `0xef` abridged, four `0xee` intermediate, four `0xdd`
 * padded intermediate, anything else TCP Full. Answers the bytes left after the tag, or `undefined` while the
 * bytes do not decide yet.
 */
export const detectTransport = (
  bytes: Buffer
): { readonly transport: Transport; readonly rest: Buffer } | undefined => {
  if (bytes.length === 0) return undefined
  if (bytes[0] === 0xef) return { transport: abridged, rest: bytes.subarray(1) }
  if (bytes.length < 4) return undefined
  const tag = bytes.readUInt32LE(0)
  if (tag === 0xeeeeeeee) return { transport: intermediate(false), rest: bytes.subarray(4) }
  if (tag === 0xdddddddd) return { transport: intermediate(true), rest: bytes.subarray(4) }
  return { transport: full(), rest: bytes }
}
