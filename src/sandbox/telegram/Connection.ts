/**
 * One TCP connection of a sandbox server: bytes to frames, frames to the handshake or the encrypted session, in the
 * order they came. Bad frames end this connection and nothing else.
 */
import type { Socket } from "node:net"
import { Effect, FiberSet, Option, Queue } from "effect"
import { makeEncryptedSession, type EncryptedSession, type SessionContext } from "./EncryptedSession.ts"
import { makeHandshake, type HandshakeContext } from "./Handshake.ts"
import { words } from "./TlEncoder.ts"
import { detectTransport, type Transport } from "./Transport.ts"

export interface ConnectionContext {
  readonly session: SessionContext
  readonly handshake: HandshakeContext
  readonly onOpen: (session: EncryptedSession) => void
  readonly onClose: () => void
}

/** Most bytes kept of a frame that is not complete yet. */
const bufferMax = 2 ** 23

/** Padded transport adds up to 15 random bytes; an encrypted packet is 24 bytes and whole AES blocks. */
const withoutPadding = (transport: Transport, payload: Buffer): Buffer =>
  Buffer.from(
    transport.name === "padded" ? payload.subarray(0, payload.length - ((payload.length - 24) % 16)) : payload
  )

/** Serves a connection until it ends; never fails. Interruption closes the socket. */
export const serveConnection = (socket: Socket, context: ConnectionContext): Effect.Effect<void> =>
  Effect.scoped(
    Effect.gen(function* () {
      const chunks = yield* Queue.unbounded<Buffer | "closed">()
      const later = yield* FiberSet.makeRuntime<never, void>()
      let transport: Transport | undefined
      let rest: Buffer = Buffer.alloc(0)
      let lastPlainId = 0n

      const send = (payload: Buffer) => {
        if (transport !== undefined && socket.writable) socket.write(transport.write(payload))
      }
      const session = makeEncryptedSession(context.session, {
        send,
        close: () => void socket.destroy(),
        later: (millis, answer) => void later(Effect.andThen(Effect.sleep(millis), Effect.sync(answer)))
      })
      const handshake = makeHandshake(context.handshake)
      const plain = Effect.fnUntraced(function* (payload: Buffer) {
        const length = payload.length < 20 ? -1 : payload.readInt32LE(16)
        if (length < 4 || length > payload.length - 20) return void socket.destroy()
        const answered = yield* Effect.option(
          Effect.tryPromise(() => handshake(Buffer.from(payload.subarray(20, 20 + length))))
        )
        if (Option.isNone(answered)) return void socket.destroy()
        const reply = answered.value
        const now = BigInt(Math.trunc(context.session.nowMillis()))
        const id = ((now / 1000n) << 32n) | ((now % 1000n) << 22n) | 1n
        lastPlainId = id > lastPlainId ? id : lastPlainId + 4n
        const head = Buffer.alloc(16)
        head.writeBigInt64LE(lastPlainId, 8)
        send(Buffer.concat([head, words(reply.length), reply]))
      })

      yield* Effect.acquireRelease(
        Effect.sync(() => {
          socket.on("data", (chunk) => Queue.offerUnsafe(chunks, chunk))
          socket.on("error", () => undefined)
          socket.on("close", () => Queue.offerUnsafe(chunks, "closed"))
          context.onOpen(session)
        }),
        () =>
          Effect.sync(() => {
            context.onClose()
            socket.destroy()
          })
      )

      while (!socket.destroyed) {
        const chunk = yield* Queue.take(chunks)
        if (chunk === "closed") return
        rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
        if (transport === undefined) {
          const detected = detectTransport(rest)
          if (detected === undefined) continue
          transport = detected.transport
          rest = detected.rest
        }
        for (;;) {
          const read = transport.read(rest)
          if (read._tag === "Malformed" || rest.length > bufferMax) return
          if (read._tag === "Incomplete") break
          rest = read.rest
          const unencrypted = read.payload.length >= 8 && read.payload.subarray(0, 8).every((byte) => byte === 0)
          if (read.payload.length < 8) continue
          if (unencrypted) yield* plain(read.payload)
          else yield* session.receive(withoutPadding(transport, read.payload))
          if (socket.destroyed) return
        }
      }
    })
  )
