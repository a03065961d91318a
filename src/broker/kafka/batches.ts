/**
 * Reads the batches of an answer. kafkajs fails on an answer as a whole where
 * one batch in it is compressed in a way it does not know, or is damaged, so
 * that one batch would stop every partition read with it; and it takes apart
 * no batch of more than some 120,000 records. Here such a batch becomes as
 * many records that say why they cannot be read: they end as `invalid` with a
 * dead letter, and what is behind them goes on.
 *
 * gzip and zstd are read by what Node has. For snappy and lz4 it has nothing,
 * and nothing is needed: topics are made with compression.type=uncompressed,
 * by which the broker itself unpacks what producers sent packed (Topics.ts).
 * Only topics that somebody else made, or made otherwise, can hold such batches.
 */
import kafkajs from "kafkajs"
import { createRequire } from "node:module"
import { promisify } from "node:util"
import * as zlib from "node:zlib"
import { unreadableHeader } from "../Record.ts"
import type { WireRecord } from "./WireRecord.ts"

const require = createRequire(import.meta.url)

/** kafkajs's reader of bytes, as far as it is used here. */
export interface Decoder {
  readonly buffer: Buffer
  offset: number
  readInt32(): number
  readBytes(length: number): Buffer
}

const Bytes = require("kafkajs/src/protocol/decoder") as new (bytes: Buffer) => Decoder
const decodeBatch = require("kafkajs/src/protocol/recordBatch/v0/decoder") as (
  decoder: Decoder
) => Promise<{ readonly records: ReadonlyArray<WireRecord> }>
const decodeOldFormat = require("kafkajs/src/protocol/requests/fetch/v4/decodeMessages") as (
  decoder: Decoder
) => Promise<ReadonlyArray<WireRecord>>

/** A batch unpacks to so much at most, or a small one could fill the memory. */
const mostBytes = 128 << 20

const [unzip, unzstd] = [promisify(zlib.unzip), promisify(zlib.zstdDecompress)]

/** Has kafkajs read what Node can unpack, within a bound. */
export const readPacked = (): void => {
  const bound = { maxOutputLength: mostBytes }
  const codec = (decompress: (bytes: Buffer) => Promise<Buffer>) => () => ({ decompress })
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.GZIP] = codec((bytes) => unzip(bytes, bound))
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = codec((bytes) => unzstd(bytes, bound))
}

/** By the number in a batch's attributes (Kafka's "Record Batch" format). */
const codecNames = ["none", "gzip", "snappy", "lz4", "zstd"]

/** Where the fields of a batch stand, and how long its head is. */
const at = { length: 8, magic: 16, attributes: 21, lastOffsetDelta: 23, maxTimestamp: 35, producerId: 43 } as const
const [headBytes, lengthCounts, presentMagic] = [61, 12, 2]
const [codecMask, transactionMask, controlMask] = [0x07, 0x10, 0x20]

/** Of a batch that is larger than this, the bytes stay in the topic alone. */
const mostKept = 1 << 20

const whatToDo = (codec: string): string =>
  codec === "snappy" || codec === "lz4"
    ? `is compressed with ${codec}, which is not read here: set the producer's compression.type to gzip, zstd or none, ` +
      "or the topic's to uncompressed, so that the broker unpacks what comes from then on; then send them again"
    : `cannot be read (compression: ${codec})`

/** In the place of each record of a batch that cannot be read. The first of them keeps the bytes of the batch. */
const standIns = (batch: Buffer, topic: string, partition: number, cause: unknown): ReadonlyArray<WireRecord> => {
  const attributes = batch.readInt16BE(at.attributes)
  // Transactions are ended by such a batch, which is never compressed: what ends there must not be missed.
  if ((attributes & controlMask) !== 0) throw cause
  const codec = codecNames[attributes & codecMask] ?? `number ${attributes & codecMask}`
  const first = Number(batch.readBigInt64BE(0))
  const last = first + batch.readInt32BE(at.lastOffsetDelta)
  const why =
    `the batch of offsets ${first} to ${last} in partition ${partition} of topic "${topic}" ${whatToDo(codec)}` +
    (codec === "snappy" || codec === "lz4" ? "" : `: ${String(cause)}`)
  const place =
    batch.length <= mostKept ? `; its bytes are the value of offset ${first}` : "; its bytes are in the topic"
  const headers = { [unreadableHeader]: Buffer.from(why + place) }
  return Array.from({ length: last - first + 1 }, (_, i) => ({
    offset: String(first + i),
    timestamp: String(batch.readBigInt64BE(at.maxTimestamp)),
    key: null,
    value: i === 0 && batch.length <= mostKept ? batch : null,
    headers,
    isControlRecord: false,
    batchContext: {
      producerId: String(batch.readBigInt64BE(at.producerId)),
      inTransaction: (attributes & transactionMask) !== 0
    }
  }))
}

/** The records of one partition of an answer; a batch that has not come whole is left for the next one. */
export const decodeRecords = async (
  decoder: Decoder,
  topic: string,
  partition: number
): Promise<ReadonlyArray<WireRecord>> => {
  const start = decoder.offset
  const size = decoder.readInt32()
  if (size <= 0 || decoder.offset + size > decoder.buffer.length) return []
  const bytes = decoder.readBytes(size)
  if (size > at.magic && bytes.readInt8(at.magic) !== presentMagic) {
    decoder.offset = start
    return decodeOldFormat(decoder)
  }
  const records: Array<WireRecord> = []
  for (let from = 0; from + headBytes <= size;) {
    const end = from + lengthCounts + bytes.readInt32BE(from + at.length)
    if (end > size) break
    const batch = bytes.subarray(from, end)
    const found = await decodeBatch(new Bytes(batch)).then(
      (decoded) => decoded.records,
      (cause: unknown) => standIns(batch, topic, partition, cause)
    )
    for (const record of found) records.push(record)
    from = end
  }
  return records
}
