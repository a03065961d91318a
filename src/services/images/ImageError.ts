/**
 * Every way work on a picture can fail, as one tagged error with a closed set of reasons. The text of a
 * reason is fit to be shown to the user whose picture it is.
 */
import { Schema } from "effect"

/** Not a picture, or one of a kind that is not decoded here (SVG, HEIC, PDF, camera raw, video): see Format.ts. */
export class UnsupportedFormat extends Schema.TaggedError<UnsupportedFormat>()("UnsupportedFormat", {
  detail: Schema.String
}) {
  readonly isRetryable = false
}

/** The picture is larger than allowed; told from its header, before anything is decoded. */
export class LimitExceeded extends Schema.TaggedError<LimitExceeded>()("LimitExceeded", {
  limit: Schema.Literals(["bytes", "pixels", "channels", "frames", "memory"]),
  detail: Schema.String
}) {
  readonly isRetryable = false
}

/** The file is damaged beyond use. */
export class Corrupt extends Schema.TaggedError<Corrupt>()("Corrupt", { detail: Schema.String }) {
  readonly isRetryable = false
}

/** The work took longer than allowed and was stopped. */
export class Timeout extends Schema.TaggedError<Timeout>()("Timeout", { detail: Schema.String }) {
  readonly isRetryable = true
}

/** The child process died over this picture: a crash of a decoder, or memory. Others were not touched. */
export class WorkerCrashed extends Schema.TaggedError<WorkerCrashed>()("WorkerCrashed", { detail: Schema.String }) {
  readonly isRetryable = true
}

/** The picture could not be read from, or the result written to, the disk. */
export class StorageError extends Schema.TaggedError<StorageError>()("StorageError", { detail: Schema.String }) {
  readonly isRetryable = true
}

/** The closed set of reasons of an {@link ImageError}. */
export const ImageErrorReason = Schema.Union([
  UnsupportedFormat,
  LimitExceeded,
  Corrupt,
  Timeout,
  WorkerCrashed,
  StorageError
])
export type ImageErrorReason = typeof ImageErrorReason.Type

/** Work on a picture failed. */
export class ImageError extends Schema.TaggedError<ImageError>()("ImageError", { reason: ImageErrorReason }) {
  override get message(): string {
    return `${this.reason._tag}: ${this.reason.detail}`
  }
  /** Whether the same work may succeed later without anybody changing anything. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
}
