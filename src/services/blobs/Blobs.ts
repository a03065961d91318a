/**
 * Port to the blob store: bytes kept under their own SHA-256. A name therefore never means other bytes,
 * the same bytes are kept once, and storing them again is free. Who refers to a blob is known by the
 * database, not here: a blob is stored before the row that names it and deleted after it.
 */
import { Context, Effect, type Scope, type Stream } from "effect"
import type { BlobError } from "./BlobError.ts"

/** A kept blob. */
export interface StoredBlob {
  /** 64 lower-case hex digits. */
  readonly sha256: string
  /** Bytes. */
  readonly size: number
}

/** A blob of a listing. */
export interface ListedBlob extends StoredBlob {
  /** When the bytes were last put, milliseconds since 1970: what a sweep with a grace goes by. */
  readonly putAt: number
}

/** Bytes from `offset` on, `length` of them or as many as there are. */
export interface ByteRange {
  readonly offset: number
  readonly length?: number
}

/** How bytes are put. */
export interface PutOptions {
  /**
   * Whether the bytes must survive a power failure once `put` has returned. Default true; false is for
   * what can be made again from a durable blob, such as a preview.
   */
  readonly durable?: boolean
  /** How many bytes will come, where that is known: what there is no room for is refused before the first. */
  readonly expected?: number
}

/** Content that is complete and that nobody sees yet. It goes with the scope. */
export interface StagedBlob extends StoredBlob {
  /** Its first bytes, up to `headLength` of them: what it is can be told by them. */
  readonly head: Uint8Array
  /** Makes it a blob. May be called again, and brings the blob back if it was deleted meanwhile. */
  readonly keep: Effect.Effect<void, BlobError>
}

/** How many of the first bytes of staged content are handed out. */
export const headLength = 4_096

/** Makes staged content a blob, and says which. */
export const keepStaged = ({ sha256, size, keep }: StagedBlob): Effect.Effect<StoredBlob, BlobError> =>
  Effect.as(keep, { sha256, size })

/** What every blob store does; test/contract/blobs-contract.ts says how. */
export class Blobs extends Context.Service<
  Blobs,
  {
    /**
     * Takes in `content` without keeping it: who has to know the hash before the blob may be seen, because rows that
     * protect it come first, keeps it then.
     */
    readonly stage: <E = never>(
      content: Uint8Array | Stream.Stream<Uint8Array, E>,
      options?: PutOptions
    ) => Effect.Effect<StagedBlob, BlobError | NoInfer<E>, Scope.Scope>
    /** Keeps `content`. The blob becomes visible whole or not at all. */
    readonly put: <E = never>(
      content: Uint8Array | Stream.Stream<Uint8Array, E>,
      options?: PutOptions
    ) => Effect.Effect<StoredBlob, BlobError | NoInfer<E>>
    /** Keeps the content of a file and takes the file away: nobody may write to it from the call on. */
    readonly putFile: (path: string, options?: PutOptions) => Effect.Effect<StoredBlob, BlobError>
    /** The bytes of a blob, or a range of them. Fails with `NotFound` before the first byte. */
    readonly get: (sha256: string, range?: ByteRange) => Stream.Stream<Uint8Array, BlobError>
    /** The path of a file with the blob's bytes, to be read only, for programs that need one; good while the scope is open. */
    readonly file: (sha256: string) => Effect.Effect<string, BlobError, Scope.Scope>
    /** The size of a blob, or `NotFound`. */
    readonly head: (sha256: string) => Effect.Effect<StoredBlob, BlobError>
    /** Forgets a blob; false when there was none. Readers that have begun read on. */
    readonly delete: (sha256: string) => Effect.Effect<boolean, BlobError>
    /** All blobs whose hash starts with `prefix`, in order of their hashes. */
    readonly list: (prefix?: string) => Stream.Stream<ListedBlob, BlobError>
  }
>()("postroom/services/Blobs") {}
