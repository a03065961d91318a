/**
 * What somebody wants to have exported: which items, as what, and with which
 * pictures. Nothing is said of who sees what: that is settled item by item when
 * the export is made.
 */
import { Schema } from "effect"
import { ItemId } from "../tree/ItemId.ts"
import { Tags } from "../tree/Tag.ts"

/** Items by themselves, and items with everything below them. */
export const ExportSelection = Schema.Struct({
  items: Schema.optionalKey(Schema.Array(ItemId).check(Schema.isMinLength(1), Schema.isMaxLength(2_000))),
  branches: Schema.optionalKey(Schema.Array(ItemId).check(Schema.isMinLength(1), Schema.isMaxLength(100))),
  /** Only what has all of them, of its own or from above. */
  tags: Schema.optionalKey(Tags)
}).check(
  Schema.makeFilter(({ items, branches }: { readonly items?: unknown; readonly branches?: unknown }) =>
    items === undefined && branches === undefined ? "must name items or branches" : undefined
  )
)
export type ExportSelection = typeof ExportSelection.Type

/** Pictures made anew, without anything but their pixels; `original` leaves every file what it is. */
export const ExportImages = Schema.Struct({
  format: Schema.Literals(["jpeg", "webp", "avif", "original"]),
  /** Longest side in pixels; never larger than the picture. */
  size: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 16, maximum: 16_384 }))),
  quality: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 }))),
  /** What becomes of files that are no pictures, or of which none can be made. */
  otherwise: Schema.optionalKey(Schema.Literals(["original", "skip"]))
}).check(
  Schema.makeFilter(
    ({ format, ...rest }: { readonly format: string; readonly size?: number; readonly quality?: number }) =>
      format === "original" && (rest.size !== undefined || rest.quality !== undefined)
        ? "must name a format where it names a size or a quality: originals are left what they are"
        : undefined
  )
)
export type ExportImages = typeof ExportImages.Type

export const ExportFormat = Schema.Literals(["zip", "csv", "json"])
export type ExportFormat = typeof ExportFormat.Type

/** What of a request is the export's own. */
export const exportFields = {
  selection: ExportSelection,
  format: ExportFormat,
  images: Schema.optionalKey(ExportImages.annotate({ description: "Of a ZIP: pictures made anew." }))
}

/** An export to be made for the user who is the record's key. */
export const ExportRequest = Schema.Struct({
  /** Whether the user sees the trees of others too. */
  admin: Schema.Boolean,
  ...exportFields
})
export type ExportRequest = typeof ExportRequest.Type
