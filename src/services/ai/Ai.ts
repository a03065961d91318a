/**
 * The port to language and image models: text in, a value of a given schema out; a prompt in, an
 * image out. It holds no retry policy and no prompt: those belong to the actors.
 */
import type { Duration, Effect, Schema } from "effect"
import { Context } from "effect"
import type { AiError } from "./AiError.ts"

/** What the provider says is left of the key's rate; absent where it says nothing. */
export interface RateLimits {
  readonly remainingRequests?: number
  readonly remainingTokens?: number
  readonly resetRequests?: Duration.Duration
  readonly resetTokens?: Duration.Duration
}

/** One structured generation. */
export interface GenerateRequest<A, E> {
  /** Model name; the layer's default when absent. */
  readonly model?: string
  /** What to do: trusted text, written by us. */
  readonly instructions: string
  /** What to do it with: untrusted text, handed over as the user's message. */
  readonly input: string
  /** The shape of the answer. Optional fields must be `Schema.NullOr`, numbers `Finite` or `Int`. */
  readonly schema: Schema.Codec<A, E>
  /** Name of the shape, `[a-zA-Z0-9_-]{1,64}`. */
  readonly schemaName: string
  /** Upper bound of the answer in tokens, reasoning included. */
  readonly maxOutputTokens: number
  /** The user on whose behalf we ask; leaves the process only as an HMAC. */
  readonly user: string
  /** At most 16 pairs, kept by the provider beside the request. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Groups requests that share a prompt prefix; `schemaName` when absent. */
  readonly promptCacheKey?: string
  /** The decoder's words about the previous answer (`InvalidJson.detail`), for a second attempt. */
  readonly feedback?: string
}

/** A decoded answer with its cost. */
export interface Generated<A> {
  readonly value: A
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number }
  readonly model: string
  readonly responseId: string
  readonly limits: RateLimits
}

/** One image to draw. */
export interface ImageRequest {
  readonly model?: string
  /** At most 32,000 characters. */
  readonly prompt: string
  /** `WIDTHxHEIGHT` in pixels, as the model allows (e.g. `1024x1024`). */
  readonly size: string
  readonly user: string
}

/** A drawn image. */
export interface GeneratedImage {
  readonly bytes: Uint8Array
  readonly mime: "image/png" | "image/jpeg" | "image/webp"
  readonly model: string
}

/** Language and image models. Interrupting an effect aborts the request on the wire. */
export class Ai extends Context.Service<
  Ai,
  {
    /** Asks for a value of `schema`. Fails with {@link AiError}; `InvalidJson` tells what was wrong with the answer. */
    readonly generate: <A, E>(request: GenerateRequest<A, E>) => Effect.Effect<Generated<A>, AiError>
    /** Draws one image. Fails with {@link AiError}; `PolicyBlocked` when a filter refused the prompt. */
    readonly image: (request: ImageRequest) => Effect.Effect<GeneratedImage, AiError>
  }
>()("postroom/services/ai/Ai") {}
