/** How far an export is: what it has, what it lacks and why, and whether it is becoming too large. */
import { Clock, Data, Effect } from "effect"
import type { Skip, SkipReason } from "../../domain/export/Skip.ts"
import type { TaskContext } from "../../runtime/TaskContext.ts"
import type { ExportBounds } from "../../services/exports/limits.ts"
import type { Extent } from "./selection.ts"

/** More than an export may have. To try it again would not help. */
export class ExportTooLarge extends Data.TaggedError("ExportTooLarge")<{ readonly detail: string }> {
  readonly isRetryable = false
  override get message() {
    return `the export is too large: ${this.detail}. Select less of it at a time.`
  }
}

/** Fails where `extent` is beyond the bounds. */
export const within = ({ items, bytes }: Extent, bounds: ExportBounds): Effect.Effect<void, ExportTooLarge> => {
  const refuse = (detail: string) => Effect.fail(new ExportTooLarge({ detail }))
  if (items > bounds.items) return refuse(`it has ${items} items, and at most ${bounds.items} are allowed`)
  if (bytes > bounds.bytes) return refuse(`its files have ${bytes} bytes, and at most ${bounds.bytes} are allowed`)
  return Effect.void
}

/** Between two reports, ms. */
const reportEvery = 500

export interface Tally {
  readonly skips: ReadonlyArray<Skip>
  readonly items: number
  readonly files: number
  /** Fails once there is one too many. */
  readonly item: Effect.Effect<void, ExportTooLarge>
  readonly file: Effect.Effect<void>
  readonly bytes: (count: number) => Effect.Effect<void, ExportTooLarge>
  readonly skip: (item: { readonly id: string; readonly name?: string }, reason: SkipReason, message?: string) => void
}

/** A tally of an export that is expected to come to `extent`. */
export const makeTally = (extent: Extent, bounds: ExportBounds, task: Pick<TaskContext, "progress">): Tally => {
  const skips: Array<Skip> = []
  const so = { items: 0, files: 0, bytes: 0 }
  let reported = 0

  const report = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    if (now - reported < reportEvery) return Effect.void
    reported = now
    return task.progress({ items: so.items, of: extent.items, bytes: so.bytes, ofBytes: extent.bytes })
  })
  const checked = Effect.andThen(
    Effect.suspend(() => within(so, bounds)),
    report
  )

  return {
    skips,
    get items() {
      return so.items
    },
    get files() {
      return so.files
    },
    item: Effect.suspend(() => {
      so.items++
      return checked
    }),
    file: Effect.sync(() => {
      so.files++
    }),
    bytes: (count) =>
      Effect.suspend(() => {
        so.bytes += count
        return checked
      }),
    skip: ({ id, name = null }: { readonly id: string; readonly name?: string | null }, reason, message) =>
      void skips.push({ item: id, name, reason, message: message ?? null })
  }
}
