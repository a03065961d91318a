/**
 * The RSA key a sandbox server proves itself with. Clients must be told its public half: real Telegram keys are
 * built into every client, a sandbox key is made at start.
 */
import {
  constants,
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  privateDecrypt,
  type KeyObject
} from "node:crypto"
import { serializeBytes } from "telegram/tl/index.js"

/** Public half: modulus as hex, exponent, and the fingerprint (low 64 bits of SHA-1 of both, signed decimal). */
export interface ServerPublicKey {
  readonly n: string
  readonly e: number
  readonly fingerprint: string
}

export interface ServerKey {
  readonly publicKey: ServerPublicKey
  /** The public key as PKCS#1 PEM, the form other clients take. */
  readonly pem: string
  /** Raw RSA without padding; throws on a block that is not 256 bytes or not below the modulus. */
  readonly decrypt: (block: Buffer) => Buffer
}

const fromPrivate = (key: KeyObject, pem: string): ServerKey => {
  const jwk = key.export({ format: "jwk" })
  const n = Buffer.from(jwk.n ?? "", "base64url")
  const e = Buffer.from(jwk.e ?? "", "base64url")
  const digest = createHash("sha1")
    .update(Buffer.concat([serializeBytes(n), serializeBytes(e)]))
    .digest()
  return {
    publicKey: {
      n: n.toString("hex"),
      e: e.readUIntBE(0, e.length),
      fingerprint: digest.readBigInt64LE(12).toString()
    },
    pem,
    decrypt: (block) => privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, block)
  }
}

/** Makes a new 2048-bit key (50 to 300 ms of CPU). */
export const generateServerKey = (): ServerKey => {
  const pair = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "pkcs1", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" }
  })
  return fromPrivate(createPrivateKey(pair.privateKey), pair.publicKey)
}
