/**
 * Copies all blobs of one store to another. What is there already is left
 * alone, so that it can be stopped and started again, and run once more for what
 * came meanwhile. Nothing is removed from the first.
 */
import { Effect, Stream } from "effect"
import { BlobError, Corrupt } from "../blobs/BlobError.ts"
import type { Blobs, ListedBlob } from "../blobs/Blobs.ts"

export interface Migrated {
  readonly copied: number
  readonly known: number
  /** Bytes copied. */
  readonly bytes: number
  /** Names of blobs whose bytes are no longer what their name says: they are not copied. */
  readonly damaged: ReadonlyArray<string>
}

type Store = Blobs["Service"]

/** Whether the other store has it already. */
const isThere = (to: Store, { sha256, size }: ListedBlob) =>
  to.head(sha256).pipe(
    Effect.map((found) => found.size === size),
    Effect.catchReason("BlobError", "NotFound", () => Effect.succeed(false))
  )

const copyOne = (from: Store, to: Store, { sha256, size }: ListedBlob) =>
  Effect.scoped(
    Effect.gen(function* () {
      const staged = yield* to.stage(from.get(sha256), { expected: size })
      if (staged.sha256 !== sha256)
        return yield* new BlobError({ reason: new Corrupt({ detail: `${sha256} has other bytes` }) })
      yield* staged.keep
    })
  )

/** Copies what `to` lacks; `progress` is told of each blob. */
export const migrate = Effect.fn("content.migrate")(function* (
  from: Store,
  to: Store,
  progress: (seen: number) => Effect.Effect<void>
) {
  let copied = 0
  let known = 0
  let bytes = 0
  const damaged: Array<string> = []
  const take = Effect.fnUntraced(function* (blob: ListedBlob) {
    if (yield* isThere(to, blob)) known++
    else
      yield* copyOne(from, to, blob).pipe(
        Effect.map(() => {
          copied++
          bytes += blob.size
        }),
        Effect.catchReason("BlobError", "Corrupt", () => Effect.sync(() => void damaged.push(blob.sha256))),
        // Swept while we copied.
        Effect.catchReason("BlobError", "NotFound", () => Effect.void)
      )
    yield* progress(copied + known + damaged.length)
  })
  yield* Stream.runForEach(from.list(), take)
  return { copied, known, bytes, damaged } satisfies Migrated
})
