/**
 * Asks a server behind a socket whether it takes work, in PostgreSQL's own words (startup packet,
 * version 3.0), without a client library: it is asked every few milliseconds while a server starts.
 */
import { Effect } from "effect"
import * as net from "node:net"

/** `absent`: nobody listens. `starting`: somebody does, but lets nobody in yet (recovery, shutdown). */
export type ServerState =
  | { readonly kind: "ready" }
  | { readonly kind: "starting"; readonly detail: string }
  | { readonly kind: "absent"; readonly detail: string }

const startupPacket = (user: string, database: string): Buffer => {
  const fields = Buffer.from(`user\0${user}\0database\0${database}\0\0`)
  const packet = Buffer.alloc(8 + fields.length)
  packet.writeInt32BE(packet.length, 0)
  packet.writeInt32BE(196_608, 4)
  fields.copy(packet, 8)
  return packet
}

const terminate = Buffer.from([0x58, 0, 0, 0, 4])

/** One field of an ErrorResponse: `M` the message, `C` the SQLSTATE. */
const errorField = (body: Buffer, field: "M" | "C"): string =>
  body
    .toString("utf8")
    .split("\0")
    .find((text) => text.startsWith(field))
    ?.slice(1) ?? ""

/** What the messages received so far say; nothing while the server has not decided. */
const stateOf = (received: Buffer): ServerState | undefined => {
  for (let at = 0; at + 5 <= received.length; at += 1 + received.readInt32BE(at + 1)) {
    const end = at + 1 + received.readInt32BE(at + 1)
    if (end > received.length) return undefined
    const kind = String.fromCharCode(received[at] ?? 0)
    if (kind === "Z") return { kind: "ready" }
    if (kind === "E") {
      const body = received.subarray(at + 5, end)
      // A server with all its connections taken is one that works.
      if (errorField(body, "C") === "53300") return { kind: "ready" }
      return { kind: "starting", detail: errorField(body, "M") }
    }
  }
  return undefined
}

/** The state of the server at `socketPath`, told within `patience` milliseconds; never fails. */
export const probe = (
  socketPath: string,
  user: string,
  database: string,
  patience = 1_000
): Effect.Effect<ServerState> =>
  Effect.callback((resume) => {
    const socket = net.connect({ path: socketPath })
    const answer = (state: ServerState) => {
      socket.destroy()
      resume(Effect.succeed(state))
    }
    let received = Buffer.alloc(0)
    socket.setTimeout(patience, () => answer({ kind: "starting", detail: "no answer" }))
    socket.on("error", (cause) => answer({ kind: "absent", detail: cause.message }))
    socket.on("close", () => answer({ kind: "starting", detail: "the connection was closed" }))
    socket.on("connect", () => socket.write(startupPacket(user, database)))
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const state = stateOf(received)
      if (state === undefined) return
      if (state.kind === "ready") socket.write(terminate)
      answer(state)
    })
    return Effect.sync(() => socket.destroy())
  })
