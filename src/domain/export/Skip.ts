/** Why something that was selected is not in an export. */

/**
 * `NotFound` also stands for what the requester may not see. The rest is of items that are seen: they have no file, or
 * it is not there yet; the store has lost it; or it is no picture of the wanted kind and was not wanted otherwise.
 */
export type SkipReason = "NotFound" | "NoContent" | "NotFetchedYet" | "FileMissing" | "NoPicture"

export interface Skip {
  readonly item: string
  /** Null for what is not found: nothing is told of it. */
  readonly name: string | null
  readonly reason: SkipReason
  /** Fit to be shown to the requester; null where the reason says it all. */
  readonly message: string | null
}
