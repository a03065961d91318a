import { assert, describe, it } from "@effect/vitest"
import { connect, type Socket } from "node:net"
import { Effect, Queue } from "effect"
import { IGE } from "telegram/crypto/IGE.js"
import { returnBigInt } from "telegram/Helpers.js"
import { Api } from "telegram/tl/index.js"
import type { AuthorizationKey } from "../../../src/sandbox/telegram/Accounts.ts"
import { sha256 } from "../../../src/sandbox/telegram/MessageCrypto.ts"
import type { TelegramServerHandle } from "../../../src/sandbox/telegram/TelegramServer.ts"
import { decodeTl } from "../../../src/sandbox/telegram/TlDecoder.ts"
import { detectTransport } from "../../../src/sandbox/telegram/Transport.ts"
import { published, sandbox } from "./sandbox.ts"

const session = Buffer.alloc(8, 9)
const aes = (key: Buffer, messageKey: Buffer, x: number) => {
  const a = sha256(Buffer.concat([messageKey, key.subarray(x, x + 36)]))
  const b = sha256(Buffer.concat([key.subarray(x + 40, x + 76), messageKey]))
  const parts = (one: Buffer, two: Buffer) =>
    Buffer.concat([one.subarray(0, 8), two.subarray(8, 24), one.subarray(24, 32)])
  return new IGE(parts(a, b), parts(b, a))
}

/** Encrypts as a client does: nothing here is shared with the server's own code but the hash. */
const encrypt = (key: AuthorizationKey, salt: Buffer, id: bigint, body: Buffer, sequence = 1): Buffer => {
  const head = Buffer.alloc(16)
  head.writeBigInt64LE(id)
  head.writeInt32LE(sequence, 8)
  head.writeInt32LE(body.length, 12)
  const data = Buffer.concat([salt, session, head, body])
  const padded = Buffer.concat([data, Buffer.alloc(12 + ((16 - ((data.length + 12) % 16)) % 16), 5)])
  const messageKey = sha256(Buffer.concat([key.key.subarray(88, 120), padded])).subarray(8, 24)
  return Buffer.concat([Buffer.from(key.id, "hex"), messageKey, aes(key.key, messageKey, 0).encryptIge(padded)])
}

/** The body of the message in a server's packet, checked as a client checks it. */
const decrypt = (key: AuthorizationKey, packet: Buffer): Buffer => {
  const messageKey = packet.subarray(8, 24)
  const plain = aes(key.key, messageKey, 8).decryptIge(Buffer.from(packet.subarray(24)))
  assert.deepStrictEqual(sha256(Buffer.concat([key.key.subarray(96, 128), plain])).subarray(8, 24), messageKey)
  assert.deepStrictEqual(plain.subarray(8, 16), session)
  return plain.subarray(32, 32 + plain.readInt32LE(28))
}

/** A bare connection with a key the server knows: sends packets, takes the bodies of the messages that come back. */
const bare = (server: TelegramServerHandle) =>
  Effect.gen(function* () {
    server.mintSession()
    const key = [...server.accounts.keys.values()][0]!
    const bodies = yield* Queue.unbounded<Buffer>()
    const { transport } = detectTransport(Buffer.from([0xef]))!
    let rest = Buffer.alloc(0)
    const socket = yield* Effect.acquireRelease(
      Effect.callback<Socket>((resume) => {
        const opening = connect(server.port, "127.0.0.1", () => resume(Effect.succeed(opening)))
        opening.on("error", () => undefined)
        opening.on("data", (chunk: Buffer) => {
          rest = Buffer.concat([rest, chunk])
          for (let read = transport.read(rest); read._tag === "Frame"; read = transport.read(rest)) {
            Queue.offerUnsafe(bodies, decrypt(key, read.payload))
            rest = Buffer.from(read.rest)
          }
        })
      }),
      (opened) => Effect.sync(() => void opened.destroy())
    )
    socket.write(Buffer.from([0xef]))
    return { key, take: Queue.take(bodies), send: (packet: Buffer) => void socket.write(transport.write(packet)) }
  })

const ping = (id: number) => new Api.Ping({ pingId: returnBigInt(id) }).getBytes()
const message = (at: number): bigint => (BigInt(1_700_000_000 + at) << 32n) | 4n

describe("an encrypted session of the sandbox server", () => {
  it.live("a wrong salt is answered with the right one and the message is not executed", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const { key, send, take } = yield* bare(server)
      send(encrypt(key, Buffer.alloc(8), message(1), new Api.updates.GetState().getBytes()))
      const answer = decodeTl(yield* take)
      assert.strictEqual(answer.className, "BadServerSalt")
      const salt = Buffer.alloc(8)
      salt.writeBigInt64LE(BigInt(answer["newServerSalt"].toString()))
      assert.deepStrictEqual(salt, key.salt)
      assert.strictEqual(server.calls().length, 0)
    })
  )

  it.live("the first message of a session is told of the new session before it is answered", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const { key, send, take } = yield* bare(server)
      send(encrypt(key, key.salt, message(1), ping(1)))
      assert.strictEqual(decodeTl(yield* take).className, "NewSessionCreated")
      assert.strictEqual(decodeTl(yield* take).className, "Pong")
      send(encrypt(key, key.salt, message(2), ping(2)))
      const pong = decodeTl(yield* take)
      assert.deepStrictEqual([pong.className, pong["msgId"].toString()], ["Pong", message(2).toString()])
    })
  )

  it.live("a packet that comes twice is executed once", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const { key, send, take } = yield* bare(server)
      const account = server.accounts.byId("777000777")
      const accessHash = returnBigInt(server.accounts.accessHash(account, "channel", "2002"))
      const peer = new Api.InputPeerChannel({ channelId: returnBigInt(2002), accessHash })
      const post = new Api.messages.SendMessage({ peer, message: "once", randomId: returnBigInt(5) })
      const packet = encrypt(key, key.salt, message(1), post.getBytes())
      send(packet)
      send(packet)
      send(encrypt(key, key.salt, message(2), ping(1)))
      const bodies = [yield* take, yield* take, yield* take]
      assert.deepStrictEqual(
        bodies.map((body) => body.readUInt32LE(0).toString(16)),
        ["9ec20908", "f35c6d01", "347773c5"]
      )
      assert.deepStrictEqual(published(server), ["once"])
      assert.strictEqual(server.calls().length, 1)
    })
  )

  it.live("a message id that no client may use and a broken container are told as such", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const { key, send, take } = yield* bare(server)
      send(encrypt(key, key.salt, message(1) | 1n, ping(1)))
      const wrongId = decodeTl(yield* take)
      assert.deepStrictEqual([wrongId.className, wrongId["errorCode"]], ["BadMsgNotification", 18])
      const container = Buffer.alloc(8)
      container.writeUInt32LE(0x73f1f8dc)
      container.writeInt32LE(3, 4)
      send(encrypt(key, key.salt, message(2), container))
      assert.strictEqual(decodeTl(yield* take).className, "NewSessionCreated")
      assert.strictEqual(decodeTl(yield* take)["errorCode"], 64)
    })
  )

  it.live("future salts and the state of messages are service messages, not results", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const { key, send, take } = yield* bare(server)
      send(encrypt(key, key.salt, message(1), new Api.GetFutureSalts({ num: 1 }).getBytes()))
      yield* take
      const salts = yield* take
      assert.strictEqual(salts.readUInt32LE(0), 0xae500895)
      assert.deepStrictEqual(salts.subarray(-8), key.salt)
      send(encrypt(key, key.salt, message(2), new Api.MsgsStateReq({ msgIds: [returnBigInt(1)] }).getBytes()))
      assert.strictEqual((yield* take).readUInt32LE(0), 0x04deb57d)
    })
  )

  it.live("a packet changed on the way ends its connection unexecuted", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const { key, send } = yield* bare(server)
      const packet = encrypt(key, key.salt, message(1), new Api.updates.GetState().getBytes())
      packet[40] = packet[40]! ^ 1
      send(packet)
      yield* Effect.repeat(Effect.sleep(5), { until: () => server.connections() === 0, times: 400 })
      assert.deepStrictEqual([server.connections(), server.calls().length], [0, 0])
    })
  )
})
