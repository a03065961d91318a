/**
 * A record: bytes and names, as Kafka has them. Values are opaque here; who
 * reads a topic decodes them by the topic's Schema.
 */

export type Headers = Readonly<Record<string, string>>

/**
 * Stands in a record that could not be read out of its topic and says why; its value is no value of the topic. Whoever
 * decodes records looks for it first.
 */
export const unreadableHeader = "postroom_unreadable"

/** What every record has beside its place. */
export interface RecordParts {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: Headers
}

/** Bytes of the largest record. A topic in Kafka takes batches of 16 MiB, and refuses one that came with more. */
export const largestRecord = 15 << 20

/** Bytes that a record has at most: what it holds, three for each character of its headers. */
export const sizeOf = ({ key, value, headers }: RecordParts): number => {
  let characters = 0
  for (const name of Object.keys(headers)) characters += name.length + headers[name]!.length
  return (key?.length ?? 0) + (value?.length ?? 0) + 3 * characters
}

/** Why a record cannot be taken for its size; null where it can. */
export const sizeFault = (record: RecordParts): string | null => {
  const size = sizeOf(record)
  return size <= largestRecord ? null : `a record has ${size} bytes, and may have ${largestRecord}`
}

/** A record as it stands in a topic. */
export interface TopicRecord extends RecordParts {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** When it was appended, ms since the epoch. */
  readonly timestamp: number
}

/** A record to be appended. Without `partition` it goes where Kafka's default partitioner puts its key. */
export interface OutgoingRecord extends RecordParts {
  readonly topic: string
  readonly partition?: number | undefined
}

/** Where a record was appended. */
export interface Position {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}
