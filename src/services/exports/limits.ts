/** How large an export may be, and how long it is kept. */
import { Context, Duration } from "effect"

export interface ExportBounds {
  /** Most items, collections included. */
  readonly items: number
  /** Most bytes of the items' files together, as they are stored. */
  readonly bytes: number
  /** How long a finished export is kept, ms. */
  readonly lifeMs: number
}

export const ExportLimits = Context.Reference<ExportBounds>("postroom/services/ExportLimits", {
  defaultValue: () => ({
    items: 100_000,
    bytes: 20_000 * 1024 * 1024,
    lifeMs: Duration.toMillis(Duration.days(7))
  })
})
