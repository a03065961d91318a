/** Writes the TL values a server answers with, including the few GramJS's classes cannot write by themselves. */
import { gzipSync } from "node:zlib"
import { serializeBytes } from "telegram/tl/index.js"

/** Anything a method may answer: a TL object, a Bool, or a boxed vector of TL objects. */
export type TlAnswer =
  | { readonly getBytes: () => Buffer }
  | boolean
  | ReadonlyArray<{ readonly getBytes: () => Buffer }>

/** `count` 32-bit little-endian words. */
export const words = (...values: ReadonlyArray<number>): Buffer => {
  const out = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => out.writeUInt32LE(value >>> 0, index * 4))
  return out
}

/** Writes an answer boxed, as `rpc_result` wants it. */
export const encodeAnswer = (answer: TlAnswer): Buffer => {
  if (answer === true) return words(0x997275b5)
  if (answer === false) return words(0xbc799737)
  if ("getBytes" in answer) return answer.getBytes()
  return Buffer.concat([words(0x1cb5c415, answer.length), ...answer.map((item) => item.getBytes())])
}

/** `rpc_result` for the request `messageId`, gzipped when the body is larger than `gzipAbove` bytes. */
export const encodeResult = (messageId: Buffer, body: Buffer, gzipAbove: number): Buffer =>
  Buffer.concat([
    words(0xf35c6d01),
    messageId,
    body.length > gzipAbove ? Buffer.concat([words(0x3072cfa1), serializeBytes(gzipSync(body))]) : body
  ])

/** `future_salts`: its elements are bare, which GramJS's class would box. */
export const encodeFutureSalts = (
  messageId: Buffer,
  now: number,
  salts: ReadonlyArray<{ readonly since: number; readonly until: number; readonly salt: Buffer }>
): Buffer =>
  Buffer.concat([
    words(0xae500895),
    messageId,
    words(now, salts.length),
    ...salts.flatMap((salt) => [words(salt.since, salt.until), salt.salt])
  ])

/** `msgs_state_info`: one byte per asked message; 4 = received. */
export const encodeStateInfo = (messageId: Buffer, count: number): Buffer =>
  Buffer.concat([words(0x04deb57d), messageId, serializeBytes(Buffer.alloc(count, 4))])
