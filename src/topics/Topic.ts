/**
 * A topic: its name, what stands in its records, how it is cut and kept. One
 * file per topic beside this one; the Schema is the contract that the API and
 * every reader check by.
 */
import { Duration, Effect, Schema } from "effect"
import type { Output, Priority } from "../domain/Outcome.ts"

export interface Topic<A> {
  readonly name: string
  /** CloudEvents type of a record that names none, and of what `output` makes. */
  readonly type: string
  readonly value: Schema.Codec<A, unknown>
  readonly partitions: number
  readonly retention: Duration.Duration
  readonly description: string
}

/** The type of a topic's values. */
export type ValueOf<T> = T extends Topic<infer A> ? A : never

export const defaultPartitions = 12

/** Defines a topic; partitions and retention have defaults (12, 7 days). */
export const make = <A>(options: {
  readonly name: string
  readonly type: string
  readonly description: string
  readonly value: Schema.Codec<A, any>
  readonly partitions?: number
  readonly retention?: Duration.Input
}): Topic<A> => ({
  name: options.name,
  type: options.type,
  description: options.description,
  value: options.value,
  partitions: options.partitions ?? defaultPartitions,
  retention: Duration.fromInputUnsafe(options.retention ?? "7 days")
})

/** Name of the topic that takes what could not be done with records of `topic`. */
export const deadLetterNameOf = (topic: string): string => `${topic}.dlq`

const encoder = new TextEncoder()

/** The bytes of a user id as a record's key. */
export const keyOfUser = (user: string): Uint8Array => encoder.encode(user)

/** JSON bytes of a value that the topic's Schema accepts; a value it refuses is a defect of the caller. */
export const encodeValue = <A>(topic: Topic<A>, value: A): Effect.Effect<Uint8Array> =>
  Effect.map(Effect.orDie(Schema.encodeEffect(topic.value)(value)), (encoded) =>
    encoder.encode(JSON.stringify(encoded))
  )

/** An output for `topic`: what a handler hands on to the next stage. */
export const output = <A>(
  topic: Topic<A>,
  user: string | null,
  value: A,
  options: { readonly priority?: Priority; readonly id?: string } = {}
): Effect.Effect<Output> =>
  Effect.map(encodeValue(topic, value), (bytes) => ({
    topic: topic.name,
    key: user === null ? null : keyOfUser(user),
    value: bytes,
    type: topic.type,
    ...options
  }))
