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

/** A written derivative. */
export interface Derivative {
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
}

/** The result of each kind of job. */
export interface Results {
  readonly convert: {
    readonly source: Source
    readonly preview: Derivative
    readonly thumbnail: Derivative
    readonly exif: Exif
    /** Name and version of the decoder, for whoever wonders why two results differ. */
    readonly decoder: string
    /** Set when the file is damaged and what could be read of it was used: why. */
    readonly degraded?: string
  }
  readonly normalise: { readonly format: "jpeg" | "png" } & Derivative
  readonly dHash: { readonly hash: string }
}

/** What a child answers, once per job. `rss` is its memory after the job, in bytes. */
export type Answer =
  | { readonly kind: "done"; readonly result: Results[keyof Results]; readonly rss: number }
  | { readonly kind: "failed"; readonly reason: FailedReason; readonly rss: number }

/** A reason of ImageError in the plain form that crosses the process boundary. */
export type FailedReason = typeof ImageErrorReason.Encoded
