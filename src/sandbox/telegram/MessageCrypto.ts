/**
 * MTProto 2.0 encryption of one message, seen from the server: messages to the client use x = 8, from it x = 0.
 * Source: core.telegram.org/mtproto/description.
 */
import { createHash } from "node:crypto"
import { IGE } from "telegram/crypto/IGE.js"

export const sha1 = (bytes: Uint8Array): Buffer => createHash("sha1").update(bytes).digest()
export const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest()

/** The id by which both sides name an authorization key: the low 64 bits of its SHA-1, as hex. */
export const authKeyId = (key: Buffer): string => sha1(key).subarray(12, 20).toString("hex")

const aes = (key: Buffer, messageKey: Buffer, x: 0 | 8): IGE => {
  const a = sha256(Buffer.concat([messageKey, key.subarray(x, x + 36)]))
  const b = sha256(Buffer.concat([key.subarray(x + 40, x + 76), messageKey]))
  return new IGE(
    Buffer.concat([a.subarray(0, 8), b.subarray(8, 24), a.subarray(24, 32)]),
    Buffer.concat([b.subarray(0, 8), a.subarray(8, 24), b.subarray(24, 32)])
  )
}

/** A decrypted message: salt and session as raw 8 bytes, the message id, and the body without its padding. */
export interface PlainMessage {
  readonly salt: Buffer
  readonly session: Buffer
  readonly id: Buffer
  readonly sequence: number
  readonly body: Buffer
}

/** Decrypts a client's packet; `undefined` when the message key or the lengths do not fit (tampered or garbage). */
export const decryptFromClient = (key: Buffer, packet: Buffer): PlainMessage | undefined => {
  if (packet.length < 24 + 32 || (packet.length - 24) % 16 !== 0) return undefined
  const messageKey = packet.subarray(8, 24)
  const plain = aes(key, messageKey, 0).decryptIge(Buffer.from(packet.subarray(24)))
  const expected = sha256(Buffer.concat([key.subarray(88, 120), plain])).subarray(8, 24)
  if (!expected.equals(messageKey)) return undefined
  const length = plain.readInt32LE(28)
  if (length < 4 || length > plain.length - 32 - 12 || length % 4 !== 0) return undefined
  return {
    salt: plain.subarray(0, 8),
    session: plain.subarray(8, 16),
    id: plain.subarray(16, 24),
    sequence: plain.readInt32LE(24),
    body: plain.subarray(32, 32 + length)
  }
}

/** Encrypts `message` (id, sequence, length, body) for the client that owns `key`. */
export const encryptForClient = (
  key: Buffer,
  salt: Buffer,
  session: Buffer,
  message: Buffer,
  randomBytes: (count: number) => Buffer
): Buffer => {
  const data = Buffer.concat([salt, session, message])
  const padding = 12 + ((16 - ((data.length + 12) % 16)) % 16)
  const padded = Buffer.concat([data, randomBytes(padding)])
  const messageKey = sha256(Buffer.concat([key.subarray(96, 128), padded])).subarray(8, 24)
  return Buffer.concat([sha1(key).subarray(12, 20), messageKey, aes(key, messageKey, 8).encryptIge(padded)])
}
