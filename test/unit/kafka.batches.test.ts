/** Batches as a broker sends them, whole and damaged, without a broker. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createRequire } from "node:module"
import * as zlib from "node:zlib"
import { decodeRecords } from "../../src/broker/kafka/batches.ts"
import type { Decoder } from "../../src/broker/kafka/batches.ts"
import { committedOf } from "../../src/broker/kafka/Fetch.ts"
import { mendKafkajs } from "../../src/broker/kafka/mends.ts"
import { unreadableHeader } from "../../src/broker/Record.ts"

const require = createRequire(import.meta.url)
const Bytes = require("kafkajs/src/protocol/decoder") as new (bytes: Buffer) => Decoder
const MessageSet = require("kafkajs/src/protocol/messageSet") as (of: {
  readonly messageVersion: number
  readonly entries: ReadonlyArray<object>
}) => { readonly buffer: Buffer }

const number = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4, unknown: 7 } as const

/** Three records whose values are one letter each, as a batch holds them; numbers below 64 take one byte, doubled. */
const letters = Buffer.concat(
  ["a", "b", "c"].map((letter, i) => Buffer.from([14, 0, 0, i * 2, 1, 2, letter.charCodeAt(0), 0]))
)

const batch = (first: number, codec: keyof typeof number, records: Buffer, more = 0): Buffer => {
  const bytes = Buffer.alloc(61 + records.length)
  bytes.writeBigInt64BE(BigInt(first), 0)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt8(2, 16)
  bytes.writeInt16BE(number[codec] | more, 21)
  bytes.writeInt32BE(2, 23)
  bytes.writeBigInt64BE(1_000n, 27)
  bytes.writeBigInt64BE(2_000n, 35)
  bytes.writeBigInt64BE(77n, 43)
  bytes.writeInt32BE(3, 57)
  records.copy(bytes, 61)
  return bytes
}

const decoded = (...batches: ReadonlyArray<Buffer>) =>
  Effect.gen(function* () {
    yield* mendKafkajs
    const bytes = Buffer.concat(batches)
    const size = Buffer.alloc(4)
    size.writeInt32BE(bytes.length)
    return yield* Effect.tryPromise(() => decodeRecords(new Bytes(Buffer.concat([size, bytes])), "t", 5))
  })

const read = (...batches: ReadonlyArray<Buffer>) =>
  Effect.map(decoded(...batches), (records) =>
    records.map(({ offset, value, headers }) => {
      const why = headers?.[unreadableHeader]
      return why === undefined ? `${offset}:${value}` : `${offset}!${why}`
    })
  )

describe("batches", () => {
  it.effect("are read unpacked, and packed by gzip and zstd", () =>
    Effect.gen(function* () {
      const all = yield* read(
        batch(0, "none", letters),
        batch(3, "gzip", zlib.gzipSync(letters)),
        batch(6, "zstd", zlib.zstdCompressSync(letters))
      )
      assert.deepStrictEqual(all, ["0:a", "1:b", "2:c", "3:a", "4:b", "5:c", "6:a", "7:b", "8:c"])
    })
  )

  it.effect("of which the last has not come whole are read as far as they have", () =>
    Effect.gen(function* () {
      const cut = batch(3, "none", letters)
      assert.deepStrictEqual(yield* read(batch(0, "none", letters), cut.subarray(0, -1)), ["0:a", "1:b", "2:c"])
      assert.deepStrictEqual(yield* read(batch(0, "none", letters), cut.subarray(0, 30)), ["0:a", "1:b", "2:c"])
    })
  )

  it.effect(
    "that cannot be unpacked say where they are and why, record by record, and those around them are read",
    () =>
      Effect.gen(function* () {
        for (const [codec, packed, reason] of [
          ["snappy", letters, "compressed with snappy, which is not read here: set the producer's compression.type"],
          ["lz4", letters, "compressed with lz4, which is not read here: set the producer's compression.type"],
          ["gzip", letters, "cannot be read (compression: gzip): Error: incorrect header check"],
          ["zstd", letters, "cannot be read (compression: zstd)"],
          ["unknown", Buffer.alloc(9, 255), "cannot be read (compression: number 7)"],
          ["none", letters.subarray(0, 12), "cannot be read (compression: none)"]
        ] as const) {
          const all = yield* read(batch(0, "none", letters), batch(3, codec, packed), batch(6, "none", letters))
          assert.deepStrictEqual(
            all.filter((line) => !line.includes("!")),
            ["0:a", "1:b", "2:c", "6:a", "7:b", "8:c"],
            codec
          )
          for (const [i, line] of all.slice(3, 6).entries()) {
            assert.include(line, `${3 + i}!the batch of offsets 3 to 5 in partition 5 of topic "t" `)
            assert.include(line, reason)
            assert.include(line, "its bytes are the value of offset 3")
          }
        }
      })
  )

  it.effect("of a transaction that was rolled back are left out, also those that cannot be unpacked", () =>
    Effect.gen(function* () {
      const messages = yield* decoded(batch(0, "lz4", letters, 0x10), batch(3, "none", letters))
      const left = committedOf({
        partition: 5,
        highWatermark: "6",
        abortedTransactions: [{ producerId: "77", firstOffset: "0" }],
        messages
      })
      assert.deepStrictEqual(
        left.map(({ offset }) => offset),
        ["3", "4", "5"]
      )
    })
  )

  it.effect("of the format before them, which an old topic may hold, are read", () =>
    Effect.gen(function* () {
      const old = MessageSet({ messageVersion: 1, entries: [{ key: "k", value: "v", timestamp: 5 }] }).buffer
      assert.deepStrictEqual(yield* read(old), ["0:v"])
    })
  )

  it.effect("that would fill the memory when they are unpacked are not", () =>
    Effect.gen(function* () {
      const bomb = zlib.gzipSync(Buffer.alloc(129 << 20))
      const all = yield* read(batch(0, "gzip", bomb), batch(3, "none", letters))
      assert.deepStrictEqual(all.slice(3), ["3:a", "4:b", "5:c"])
      assert.include(all[0], "Cannot create a Buffer larger than")
    })
  )

  it.effect("that end a transaction and cannot be read are never passed over", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(read(batch(0, "none", letters.subarray(0, 3), 0x20)))
      assert.instanceOf(error.cause, Error)
    })
  )
})
