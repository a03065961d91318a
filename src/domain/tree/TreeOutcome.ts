/** What became of a command: it was applied, or it was refused for a reason that the one who asked can understand. */
import { Data } from "effect"

/** Why a command is refused. `NotFound` also stands for what the caller may not see. */
export type RefusalReason =
  | "NotFound"
  | "NotOwner"
  | "OtherOwner"
  | "WouldCycle"
  | "Deleted"
  | "NotDeleted"
  | "NotACollection"
  | "TooDeep"
  | "IsACollection"
  | "NoContent"
  | "NotStored"

/** A command that is not carried out; nothing of the tree has changed. */
export class TreeRefused extends Data.TaggedError("TreeRefused")<{
  readonly reason: RefusalReason
  readonly detail: string
}> {
  override get message() {
    return `${this.reason}: ${this.detail}`
  }
}

/** What has to be done about an item's content once a command is applied: its pictures made, or it fetched. */
export type FollowUp =
  | {
      readonly kind: "convert"
      readonly item: string
      readonly gen: number
      readonly sha256: string
      readonly name: string
    }
  | { readonly kind: "fetch"; readonly item: string; readonly gen: number; readonly url: string }

/** An applied command: its place among the owner's commands, how many items it changed, and what follows from it. */
export interface Applied {
  readonly outcome: "applied"
  readonly seq: number
  readonly changed: number
  /** Kept with the outcome: a repeat of the command calls for the same. Left out where it is nothing. */
  readonly next?: ReadonlyArray<FollowUp>
}

/** A refused command has a place among the owner's commands too: a repeat is refused again, whatever came since. */
export interface Refused {
  readonly outcome: "refused"
  readonly seq: number
  readonly reason: RefusalReason
  readonly detail: string
}

export type TreeOutcome = Applied | Refused
