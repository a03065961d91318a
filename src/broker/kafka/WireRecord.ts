/** What stands in the answers of brokers, as kafkajs gives it. */

/** A record as it is on the wire: numbers of 64 bits are text. */
export interface WireRecord {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, Buffer | ReadonlyArray<Buffer> | undefined>>
  readonly isControlRecord?: boolean
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean }
}

export interface WirePartition {
  readonly partition: number
  readonly highWatermark: string
  readonly abortedTransactions?: ReadonlyArray<{ readonly producerId: string; readonly firstOffset: string }>
  readonly messages: ReadonlyArray<WireRecord>
}
