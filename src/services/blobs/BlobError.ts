/** Every way the blob store can fail, as one tagged error with a closed set of reasons. */
import { Schema } from "effect"

/** No blob has this hash. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { detail: Schema.String }) {
  readonly isRetryable = false
}

/** The name asked for is not the hex form of a SHA-256. */
export class InvalidName extends Schema.TaggedError<InvalidName>()("InvalidName", { detail: Schema.String }) {
  readonly isRetryable = false
}

/** The disk or the quota of the store is full. Nothing of the refused blob is left behind. */
export class StoreFull extends Schema.TaggedError<StoreFull>()("StoreFull", { detail: Schema.String }) {
  readonly isRetryable = true
}

/** The store may not be written or read with these rights. */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", { detail: Schema.String }) {
  readonly isRetryable = false
}

/** The bytes kept under a hash do not have that hash any more. */
export class Corrupt extends Schema.TaggedError<Corrupt>()("Corrupt", { detail: Schema.String }) {
  readonly isRetryable = false
}

/** The store failed in another way; later it may work. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", { detail: Schema.String }) {
  readonly isRetryable = true
}

/** The closed set of reasons of a {@link BlobError}. */
export const BlobErrorReason = Schema.Union([NotFound, InvalidName, StoreFull, Forbidden, Corrupt, Unavailable])
export type BlobErrorReason = typeof BlobErrorReason.Type

/** A failed operation of the blob store. */
export class BlobError extends Schema.TaggedError<BlobError>()("BlobError", { reason: BlobErrorReason }) {
  override get message(): string {
    return `${this.reason._tag}: ${this.reason.detail}`
  }
  /** Whether the same operation may succeed later without anybody changing anything. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
}

/** The error behind a failed call to the file system, told by its errno. */
export const blobErrorOf = (cause: unknown): BlobError => {
  if (cause instanceof BlobError) return cause
  const detail = cause instanceof Error ? cause.message : String(cause)
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  switch (code) {
    case "ENOENT":
      return new BlobError({ reason: new NotFound({ detail }) })
    case "ENOSPC":
    case "EDQUOT":
      return new BlobError({ reason: new StoreFull({ detail }) })
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new BlobError({ reason: new Forbidden({ detail }) })
    default:
      return new BlobError({ reason: new Unavailable({ detail }) })
  }
}
