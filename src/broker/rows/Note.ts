/**
 * What a NOTIFY says: which topics have grown, and, where one small record was
 * appended after a pause, that record itself, which saves its reader a fetch.
 * The first line holds the topics' ids, the second partition, offset and time
 * of the record, the third its key, value and headers.
 */
import { Result, Schema } from "effect"
import type { OutgoingRecord, TopicRecord } from "../Record.ts"

/** A payload has at most 7,999 bytes; two short lines stand before what is counted here. */
const mostBytes = 7_500

const base64 = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")

/** The third line for `record`, or nothing where it does not fit. */
export const contentOf = ({ key, value, headers }: OutgoingRecord): string => {
  if ((key?.length ?? 0) + (value?.length ?? 0) > mostBytes) return ""
  const content = JSON.stringify([base64(key), base64(value), headers])
  return Buffer.byteLength(content) > mostBytes ? "" : content
}

/**
 * SQL of the payload from its parts, each an SQL expression: ids of topics, and where `content` is not empty, the
 * record's place, with `at` a timestamptz of whole milliseconds.
 */
export const payloadSql = (ids: string, content: string, partition: string, offset: string, at: string): string =>
  `${ids} || CASE WHEN ${content} = '' THEN '' ELSE concat(E'\\n', ${partition}, ' ', ${offset}, ' ',
    (extract(epoch FROM ${at}) * 1000)::int8, E'\\n', ${content}) END`

const Content = Schema.fromJsonString(
  Schema.Tuple([
    Schema.NullOr(Schema.Uint8ArrayFromBase64),
    Schema.NullOr(Schema.Uint8ArrayFromBase64),
    Schema.Record(Schema.String, Schema.String)
  ])
)

const decodeContent = Schema.decodeUnknownResult(Content)

/** A record as a note carries it: its topic is the one that has grown. */
export type NotedRecord = Omit<TopicRecord, "topic">

export interface Note {
  readonly topics: ReadonlyArray<number>
  readonly record: NotedRecord | null
}

/** Reads a payload. What cannot be read as a record is none: its reader fetches it then. */
export const readNote = (payload: string): Note => {
  const [ids = "", place, content] = payload.split("\n", 3)
  const topics = ids.split(",").map(Number)
  if (place === undefined || content === undefined) return { topics, record: null }
  const [partition, offset, timestamp] = place.split(" ").map(Number)
  const decoded = decodeContent(content)
  if (Result.isFailure(decoded) || partition === undefined || offset === undefined || timestamp === undefined) {
    return { topics, record: null }
  }
  const [key, value, headers] = decoded.success
  return { topics, record: { partition, offset, timestamp, key, value, headers } }
}
