/**
 * Reads TL values from bytes a client sent. Every read is bounded: no length is trusted beyond the bytes at hand,
 * nesting and inflated size have limits, and a failure changes nothing outside this call.
 */
import { gunzipSync } from "node:zlib"
import { readBigIntFromBuffer } from "telegram/Helpers.js"
import { tlDefinitions, type TlArgument, type TlObject } from "./TlSchema.ts"

/** Why bytes are not a TL value. `constructorId` is set when only the constructor was unknown. */
export class TlDecodeFailure extends Error {
  readonly constructorId: number | undefined
  constructor(message: string, constructorId?: number) {
    super(message)
    this.constructorId = constructorId
  }
}

const vectorId = 0x1cb5c415
const gzipId = 0x3072cfa1
const trueId = 0x997275b5
const falseId = 0xbc799737
const maxDepth = 24
const maxInflatedBytes = 2 ** 24

class Cursor {
  readonly bytes: Buffer
  offset = 0
  depth = 0
  constructor(bytes: Buffer) {
    this.bytes = bytes
  }
  take(count: number): Buffer {
    if (count < 0 || this.offset + count > this.bytes.length) throw new TlDecodeFailure("ends too early")
    const taken = this.bytes.subarray(this.offset, this.offset + count)
    this.offset += count
    return taken
  }
  int(): number {
    return this.take(4).readInt32LE(0)
  }
  uint(): number {
    return this.take(4).readUInt32LE(0)
  }
}

const readBytes = (cursor: Cursor): Buffer => {
  const first = cursor.take(1)[0]!
  const long = first === 254
  const length = long ? cursor.take(3).readUIntLE(0, 3) : first
  const value = Buffer.from(cursor.take(length))
  const used = (long ? 4 : 1) + length
  cursor.take((4 - (used % 4)) % 4)
  return value
}

const readInteger = (cursor: Cursor, bytes: number) => readBigIntFromBuffer(cursor.take(bytes), true, true)

const readScalar = (cursor: Cursor, type: string): unknown => {
  switch (type) {
    case "int":
    case "date":
      return cursor.int()
    case "long":
      return readInteger(cursor, 8)
    case "int128":
      return readInteger(cursor, 16)
    case "int256":
      return readInteger(cursor, 32)
    case "double":
      return cursor.take(8).readDoubleLE(0)
    case "string":
      return readBytes(cursor).toString("utf8")
    case "bytes":
      return readBytes(cursor)
    case "true":
      return true
    case "Bool": {
      const id = cursor.uint()
      if (id !== trueId && id !== falseId) throw new TlDecodeFailure("not a Bool")
      return id === trueId
    }
    default:
      return readObject(cursor)
  }
}

const readArgument = (cursor: Cursor, argument: TlArgument): unknown => {
  if (argument.flagIndicator) return cursor.int()
  const type = argument.type ?? "X"
  if (!argument.isVector) return readScalar(cursor, type)
  if (argument.useVectorId === true && cursor.uint() !== vectorId) throw new TlDecodeFailure("not a vector")
  const count = cursor.int()
  if (count < 0 || count * 4 > cursor.bytes.length - cursor.offset) throw new TlDecodeFailure(`vector of ${count}`)
  return Array.from({ length: count }, () => readScalar(cursor, type))
}

const readObject = (cursor: Cursor): TlObject => {
  if (++cursor.depth > maxDepth) throw new TlDecodeFailure("nested too deep")
  const id = cursor.uint()
  if (id === gzipId) {
    const inner = new Cursor(inflate(readBytes(cursor)))
    inner.depth = cursor.depth
    cursor.depth -= 1
    return readObject(inner)
  }
  const definition = tlDefinitions().get(id)
  if (definition === undefined) throw new TlDecodeFailure(`unknown constructor ${id.toString(16)}`, id)
  const fields: Record<string, unknown> = {}
  for (const [name, argument] of definition.arguments) {
    const present = !argument.isFlag || ((fields[argument.flagName ?? "flags"] as number) >> argument.flagIndex) & 1
    if (present) fields[name] = readArgument(cursor, argument)
    else fields[name] = argument.type === "true" ? false : undefined
  }
  cursor.depth -= 1
  return definition.make(fields)
}

/** Unpacks the contents of a `gzip_packed`; throws {@link TlDecodeFailure} when it is none or too large. */
const inflate = (packed: Buffer): Buffer => {
  try {
    return gunzipSync(packed, { maxOutputLength: maxInflatedBytes })
  } catch {
    throw new TlDecodeFailure("not gzip")
  }
}

/** Decodes one boxed value from the front of `bytes`; trailing bytes are left. Throws {@link TlDecodeFailure}. */
export const decodeTl = (bytes: Buffer): TlObject => readObject(new Cursor(bytes))

/** One message of a container: its id as 8 little-endian bytes, its sequence number and its undecoded body. */
export interface WireMessage {
  readonly id: Buffer
  readonly sequence: number
  readonly body: Buffer
}

/** Splits a `msg_container` body (after its constructor id) into messages; throws {@link TlDecodeFailure}. */
export const splitContainer = (bytes: Buffer): ReadonlyArray<WireMessage> => {
  const cursor = new Cursor(bytes)
  const count = cursor.int()
  if (count < 0 || count > 1020) throw new TlDecodeFailure(`container of ${count}`)
  return Array.from({ length: count }, () => {
    const id = Buffer.from(cursor.take(8))
    const sequence = cursor.int()
    return { id, sequence, body: Buffer.from(cursor.take(cursor.int())) }
  })
}
