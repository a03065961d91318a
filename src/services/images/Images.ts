/**
 * Port to the decoder of pictures. Pictures come from strangers: what implements this keeps a crash, a
 * hang or a bomb away from Postroom, and says of every picture it refuses why.
 */
import { Context, type Effect, type Scope } from "effect"
import type { Urgency } from "./Admission.ts"
import type { ImageError } from "./ImageError.ts"
import type { Derivative, DerivativeFormat, Encoding, Results, Source } from "./Job.ts"
import type { Recipe } from "./Recipe.ts"

/** A derivative in a file of its own. */
export interface DerivativeFile extends Derivative {
  readonly path: string
}

/** Where the picture is and where its derivatives go. */
export interface ConvertRequest {
  /** A file that does not change meanwhile. */
  readonly input: string
  /** A folder that exists; best in the file system in which the results will stay. */
  readonly directory: string
  /** Default: `currentRecipe`. */
  readonly recipe?: Recipe
  /** Whether the place of exposure is read out of the EXIF. Private, therefore default false. */
  readonly keepPosition?: boolean
  /** Default live: what somebody waits for goes before what can wait. */
  readonly urgency?: Urgency
  /** In a new process, with none beside it: for a picture that has cost a process its life. Default false. */
  readonly alone?: boolean
}

/** Which picture is to be written anew, and where to. */
export interface EncodeRequest extends Pick<ConvertRequest, "input" | "directory" | "urgency" | "alone"> {
  readonly encoding: Encoding
}

/** What became of a picture. `degraded` tells why, where the file is damaged and was used all the same. */
export type Converted = Omit<Results["convert"], "preview" | "thumbnail"> & {
  readonly source: Source
  readonly preview: DerivativeFile
  readonly thumbnail: DerivativeFile
}

/** A picture made small enough to be sent, without anything but its pixels. */
export interface NormalisedImage {
  readonly bytes: Uint8Array
  /** PNG where the picture is transparent somewhere, else JPEG. */
  readonly format: DerivativeFormat
  readonly width: number
  readonly height: number
}

/** Work on pictures. Interrupting any of it stops the work within a second and leaves no file. */
export class Images extends Context.Service<
  Images,
  {
    /**
     * Makes preview and thumbnail: upright JPEGs in sRGB on white, without metadata, never larger than
     * the picture; by a recipe with animation, the preview of what moves is an animated WebP. The two files are the caller's; a failure leaves none. Same file and recipe, same bytes.
     */
    readonly convert: (request: ConvertRequest) => Effect.Effect<Converted, ImageError>
    /** The picture upright, in sRGB, without metadata and with a long edge of at most `edge` pixels (default 1280). */
    readonly normalise: (bytes: Uint8Array, edge?: number) => Effect.Effect<NormalisedImage, ImageError>
    /** The whole picture upright, in sRGB, without metadata, in another format. The file goes with the scope. */
    readonly encode: (request: EncodeRequest) => Effect.Effect<DerivativeFile, ImageError, Scope.Scope>
    /** The difference hash of a picture, 16 hex digits: alike pictures differ in few bits. */
    readonly dHash: (bytes: Uint8Array) => Effect.Effect<string, ImageError>
  }
>()("postroom/services/Images") {}

/** In how many of the 64 bits two difference hashes differ; about ten or fewer means the same picture. */
export const dHashDistance = (one: string, other: string): number =>
  (BigInt(`0x${one}`) ^ BigInt(`0x${other}`)).toString(2).replaceAll("0", "").length
