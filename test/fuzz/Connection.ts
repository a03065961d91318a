/** A connection that sends bytes as they are and reads HTTP/1.1 answers one after the other. */
import { connect } from "node:net"

/** An answer, or how it stayed out. */
export type Reply = Answered | { readonly kind: "closed" } | { readonly kind: "silent" }

export interface Answered {
  readonly kind: "answered"
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
  readonly closes: boolean
}

export interface Connection {
  readonly send: (bytes: Buffer) => void
  /** The next answer; `method` tells whether it has a body. */
  readonly next: (method: string, patienceMs: number) => Promise<Reply>
  readonly isOpen: () => boolean
  readonly close: () => void
}

const headEnd = Buffer.from("\r\n\r\n")

const chunksOf = (bytes: Buffer, from: number): { readonly body: Buffer; readonly end: number } | null => {
  const parts: Array<Buffer> = []
  let at = from
  while (true) {
    const line = bytes.indexOf("\r\n", at)
    if (line < 0) return null
    const size = Number.parseInt(bytes.toString("latin1", at, line), 16)
    const end = line + 2 + size + 2
    if (bytes.length < end) return null
    if (size === 0) return { body: Buffer.concat(parts), end }
    parts.push(bytes.subarray(line + 2, line + 2 + size))
    at = end
  }
}

/** The first answer in `bytes` and where it ends; null where it is not complete. */
const read = (
  bytes: Buffer,
  method: string,
  isEnd: boolean
): { readonly reply: Answered; readonly end: number } | null => {
  const headTo = bytes.indexOf(headEnd)
  if (headTo < 0) return null
  const [statusLine = "", ...lines] = bytes.toString("latin1", 0, headTo).split("\r\n")
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? Number.NaN)
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(":")
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  const from = headTo + headEnd.length
  // An interim answer: the real one follows.
  if (status >= 100 && status < 200) {
    const rest = read(bytes.subarray(from), method, isEnd)
    return rest === null ? null : { reply: rest.reply, end: rest.end + from }
  }
  const closes = headers.get("connection")?.toLowerCase() === "close"
  const answered = (body: Buffer, end: number) => ({
    reply: { kind: "answered", status, headers, body, closes } as const,
    end
  })
  if (method === "HEAD" || status === 204 || status === 304) return answered(Buffer.alloc(0), from)
  if (headers.get("transfer-encoding")?.toLowerCase() === "chunked") {
    const chunks = chunksOf(bytes, from)
    return chunks === null ? null : answered(chunks.body, chunks.end)
  }
  const length = headers.get("content-length")
  if (length !== undefined) {
    const end = from + Number(length)
    return bytes.length < end ? null : answered(bytes.subarray(from, end), end)
  }
  return isEnd ? answered(bytes.subarray(from), bytes.length) : null
}

/** Opens a connection to a port of this machine. */
export const openConnection = (port: number): Connection => {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true })
  let bytes: Buffer = Buffer.alloc(0)
  let isEnd = false
  let wake: (() => void) | null = null
  const tell = () => {
    const waiting = wake
    wake = null
    waiting?.()
  }
  socket.on("data", (part) => {
    bytes = bytes.length === 0 ? part : Buffer.concat([bytes, part])
    tell()
  })
  socket.on("error", () => {})
  socket.on("close", () => {
    isEnd = true
    tell()
  })
  return {
    send: (out) => void socket.write(out),
    isOpen: () => !isEnd && !socket.destroyed,
    close: () => void socket.destroy(),
    next: (method, patienceMs) =>
      new Promise((resolve) => {
        const look = (isLate: boolean): void => {
          const found = read(bytes, method, isEnd)
          if (found !== null) {
            bytes = bytes.subarray(found.end)
            clearTimeout(alarm)
            return resolve(found.reply)
          }
          if (isEnd || isLate) {
            clearTimeout(alarm)
            return resolve({ kind: isEnd ? "closed" : "silent" })
          }
          wake = () => look(false)
        }
        const alarm = setTimeout(() => {
          wake = null
          look(true)
        }, patienceMs)
        look(false)
      })
  }
}
