/**
 * What passes between Postroom and the child processes that decode pictures: paths, numbers and text,
 * never the bytes of a picture.
 */
import type { ImageErrorReason } from "./ImageError.ts"
import type { Exif } from "./Exif.ts"
import type { Recipe } from "./Recipe.ts"

/** What is allowed; told from the header before anything is decoded. */
export interface Limits {
  readonly maxPixels: number
  readonly maxBytes: number
  /** Colours, transparency and whatever else a pixel has. */
  readonly maxChannels: number
  /** Frames of an animation, or pages. */
  readonly maxFrames: number
  /** What decoding may take beside what a decoder takes anyway, as estimated from the header, in bytes. */
  readonly maxMemory: number
  /** Seconds after which the decoder is asked to give up. */
  readonly softSeconds: number
}

/** One piece of work. Outputs are paths that do not exist yet. */
export type Job =
  | {
      readonly kind: "convert"
      readonly input: string
      readonly preview: string
      readonly thumbnail: string
      readonly recipe: Recipe
      readonly limits: Limits
      readonly keepPosition: boolean
    }
  | {
      readonly kind: "normalise"
      readonly input: string
      readonly output: string
      readonly edge: number
      readonly limits: Limits
    }
  | { readonly kind: "dHash"; readonly input: string; readonly limits: Limits }
  | {
      readonly kind: "encode"
      readonly input: string
      readonly output: string
      readonly encoding: Encoding
      readonly limits: Limits
    }

export type DerivativeFormat = "jpeg" | "png" | "webp" | "avif"

/** How a picture is to be written anew. */
export interface Encoding {
  readonly format: "jpeg" | "webp" | "avif"
  /** Longest side in pixels, where the picture is larger; null leaves it as large as it is. */
  readonly edge: number | null
  /** 1–100; null is the format's usual one. */
  readonly quality: number | null
}

/** A written derivative. */
export interface Derivative {
  readonly format: DerivativeFormat
  readonly sha256: string
  readonly width: number
  readonly height: number
  /** Size of the file. */
  readonly bytes: number
}

/** What is known of the picture itself, upright. */
export interface Source {
  readonly format: string
  readonly width: number
  readonly height: number
  readonly bytes: number
  /** 1 for a picture that does not move. */
  readonly frames: number
}

/** The result of each kind of job. */
export interface Results {
  readonly convert: {
    readonly source: Source
    readonly preview: Derivative
    readonly thumbnail: Derivative
    /** ThumbHash of the picture, Base64. */
    readonly thumbhash: string
    readonly exif: Exif
    /** Name and version of the decoder, for whoever wonders why two results differ. */
    readonly decoder: string
    /** Set when the file is damaged and what could be read of it was used: why. */
    readonly degraded?: string
  }
  readonly normalise: Derivative
  readonly dHash: { readonly hash: string }
  readonly encode: Derivative
}

/** What a child is told: a job, and later that it may go on with it. */
export type Order = { readonly kind: "job"; readonly job: Job } | { readonly kind: "go" }

/**
 * What a child says: first what the job is going to take, in bytes, then, once it was let, how it ended. What is refused
 * by its header ends without asking. `rss` is its memory after the job, in bytes.
 */
export type Answer =
  | { readonly kind: "wants"; readonly memory: number }
  | { readonly kind: "done"; readonly result: Results[keyof Results]; readonly rss: number }
  | { readonly kind: "failed"; readonly reason: FailedReason; readonly rss: number }

/** A reason of ImageError in the plain form that crosses the process boundary. */
export type FailedReason = typeof ImageErrorReason.Encoded
