/**
 * The exchange that gives a client its authorization key: req_pq, req_DH_params, set_client_DH_params. Takes both
 * ways of padding the RSA block (RSA_PAD of today and the older SHA-1 form some clients still send) and only the
 * few constructors that belong here; anything else ends the connection.
 * Source: core.telegram.org/mtproto/auth_key.
 */
import { generateKeyDataFromNonce, bufferXor, readBigIntFromBuffer } from "telegram/Helpers.js"
import { AuthKey } from "telegram/crypto/AuthKey.js"
import { IGE } from "telegram/crypto/IGE.js"
import { Api } from "telegram/tl/index.js"
import { sha1, sha256 } from "./MessageCrypto.ts"
import type { ServerKey } from "./ServerKey.ts"
import { decodeTl } from "./TlDecoder.ts"
import type { TlObject } from "./TlSchema.ts"

const allowed = new Set([0x60469778, 0xbe7e8ef1, 0xd712e4be, 0xf5045f1f])
const prime = BigInt(
  "0xc71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f48198a0aa7c14058229493d22530f4dbfa336f6e0ac9" +
    "25139543aed44cce7c3720fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f642477fe96bb2a941d5bcd1d4ac8cc" +
    "49880708fa9b378e3c4f3a9060bee67cf9a4a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754fd17ed950d59" +
    "65b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929" +
    "851f0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b"
)
const pq = 1229739323n * 1402015859n

const power = (base: bigint, exponent: bigint, modulus: bigint): bigint => {
  let result = 1n
  let factor = base % modulus
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * factor) % modulus
    factor = (factor * factor) % modulus
  }
  return result
}

const toBuffer = (value: bigint, length: number): Buffer =>
  Buffer.from(value.toString(16).padStart(length * 2, "0"), "hex")
const toBigint = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString("hex") || "0"}`)

/** The p_q_inner_data inside a decrypted RSA block, whichever way it was padded. */
const innerData = (block: Buffer): TlObject => {
  for (let length = 96; length <= 144; length += 4) {
    const data = block.subarray(21, 21 + length)
    if (block[0] === 0 && sha1(data).equals(block.subarray(1, 21))) return decodeTl(data)
  }
  const encrypted = block.subarray(32)
  const temporary = bufferXor(Buffer.from(block.subarray(0, 32)), sha256(encrypted))
  const padded = new IGE(temporary, Buffer.alloc(32)).decryptIge(Buffer.from(encrypted))
  const data = Buffer.from(padded.subarray(0, 192)).reverse()
  if (!sha256(Buffer.concat([temporary, data])).equals(padded.subarray(192, 224))) throw new Error("RSA block")
  return decodeTl(data)
}

/** What the outside gives a handshake. `now` is in seconds. */
export interface HandshakeContext {
  readonly key: ServerKey
  readonly now: () => number
  readonly randomBytes: (count: number) => Buffer
  readonly onKey: (authKey: Buffer) => void
}

/**
 * A handshake of one connection: feeds it the unencrypted messages, answers each with the reply to send. Rejects
 * on anything out of order or malformed; the caller then closes the connection.
 */
export const makeHandshake = (context: HandshakeContext): ((message: Buffer) => Promise<Buffer>) => {
  let nonce: TlObject[string]
  let serverNonce: TlObject[string]
  let newNonce: TlObject[string]
  let secret = 0n
  let temporary: { readonly key: Buffer; readonly iv: Buffer } | undefined

  const step = {
    pq: (request: TlObject) => {
      nonce = request["nonce"]
      serverNonce = readBigIntFromBuffer(context.randomBytes(16), false, true)
      return new Api.ResPQ({
        nonce,
        serverNonce,
        pq: toBuffer(pq, 8),
        serverPublicKeyFingerprints: [
          readBigIntFromBuffer(toBuffer(BigInt.asUintN(64, BigInt(context.key.publicKey.fingerprint)), 8), false, true)
        ]
      })
    },
    parameters: async (request: TlObject) => {
      const inner = innerData(context.key.decrypt(request["encryptedData"]))
      if (!inner["nonce"].eq(nonce) || !inner["serverNonce"].eq(serverNonce)) throw new Error("nonce")
      newNonce = inner["newNonce"]
      secret = toBigint(context.randomBytes(256))
      temporary = await generateKeyDataFromNonce(serverNonce, newNonce)
      const answer = new Api.ServerDHInnerData({
        nonce,
        serverNonce,
        g: 3,
        dhPrime: toBuffer(prime, 256),
        gA: toBuffer(power(3n, secret, prime), 256),
        serverTime: context.now()
      }).getBytes()
      const hashed = Buffer.concat([sha1(answer), answer])
      const padded = Buffer.concat([hashed, context.randomBytes((16 - (hashed.length % 16)) % 16)])
      return new Api.ServerDHParamsOk({
        nonce,
        serverNonce,
        encryptedAnswer: new IGE(temporary.key, temporary.iv).encryptIge(padded)
      })
    },
    finish: async (request: TlObject) => {
      if (temporary === undefined) throw new Error("order")
      const encrypted: Buffer = request["encryptedData"]
      if (encrypted.length === 0 || encrypted.length % 16 !== 0) throw new Error("block size")
      const inner = decodeTl(new IGE(temporary.key, temporary.iv).decryptIge(encrypted).subarray(20))
      const shared = power(toBigint(inner["gB"]), secret, prime)
      const authKey = new AuthKey()
      await authKey.setKey(toBuffer(shared, 256))
      context.onKey(toBuffer(shared, 256))
      const newNonceHash1 = await authKey.calcNewNonceHash(newNonce, 1)
      return new Api.DhGenOk({ nonce, serverNonce, newNonceHash1 })
    }
  }

  return async (message) => {
    if (message.length < 4 || !allowed.has(message.readUInt32LE(0))) throw new Error("not a handshake message")
    const request = decodeTl(message)
    switch (request.className) {
      case "ReqPq":
      case "ReqPqMulti":
        return step.pq(request).getBytes()
      case "ReqDHParams":
        return (await step.parameters(request)).getBytes()
      default:
        return (await step.finish(request)).getBytes()
    }
  }
}
