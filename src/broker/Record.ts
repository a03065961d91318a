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

/** A record as it stands in a topic. */
export interface TopicRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: Headers
  /** When it was appended, ms since the epoch. */
  readonly timestamp: number
}

/** A record to be appended. Without `partition` it goes where Kafka's default partitioner puts its key. */
export interface OutgoingRecord {
  readonly topic: string
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: Headers
  readonly partition?: number | undefined
}

/** Where a record was appended. */
export interface Position {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}
