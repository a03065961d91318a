/** How large content may be, however it comes in, and how long what is deleted or nobody refers to is kept. */
import { Context, Duration } from "effect"

/** Most bytes of one file. */
export const LargestContent = Context.Reference<number>("postroom/services/LargestContent", {
  defaultValue: () => 2_500 * 1024 * 1024
})

/** How long deleted items can be restored, ms. */
export const DeletedLife = Context.Reference<number>("postroom/services/DeletedLife", {
  defaultValue: () => Duration.toMillis(Duration.days(30))
})

/** How long blobs are kept without a reference, ms. */
export interface BlobLives {
  /** From when the last reference went. */
  readonly graceMs: number
  /** From when it was put, of what no row knows: pictures of posts, and what interrupted work left. */
  readonly orphanMs: number
}

export const KeptBlobs = Context.Reference<BlobLives>("postroom/services/KeptBlobs", {
  defaultValue: () => ({
    graceMs: Duration.toMillis(Duration.hours(24)),
    orphanMs: Duration.toMillis(Duration.days(30))
  })
})
