/**
 * What somebody wants to have exported: which items, as what, and with which
 * pictures. Nothing is said of who sees what: that is settled item by item when
 * the export is made.
 */
import { Schema } from "effect"
import { ItemId } from "../tree/ItemId.ts"
import { Tags } from "../tree/Tag.ts"

/** Which items. A collection stands for everything below it too, unless that is not wanted. */
export const ExportSelection = Schema.Struct({
  items: Schema.Array(ItemId).check(Schema.isMinLength(1), Schema.isMaxLength(2_000)),
  below: Schema.optionalKey(
    Schema.Boolean.annotate({ description: "Left out: true. With false, collections stand for themselves alone." })
  ),
  tags: Schema.optionalKey(Tags.annotate({ description: "Only what has all of them, of its own or from above." }))
})
export type ExportSelection = typeof ExportSelection.Type

/** Pictures made anew, without anything but their pixels. */
const MadeAnew = Schema.Struct({
  format: Schema.Literals(["jpeg", "webp", "avif"]),
  size: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 16, maximum: 16_384 })).annotate({
      description: "Longest side in pixels; never larger than the picture."
    })
  ),
  quality: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 }))),
  otherwise: Schema.optionalKey(
    Schema.Literals(["original", "skip"]).annotate({
      description: "What becomes of files that are no pictures, or of which none can be made. Left out: original."
    })
  )
})

/** Or every file is left what it is. */
export const ExportImages = Schema.Union([MadeAnew, Schema.Struct({ format: Schema.Literal("original") })])
export type ExportImages = typeof ExportImages.Type

export const ExportFormat = Schema.Literals(["zip", "csv", "json"])
export type ExportFormat = typeof ExportFormat.Type

/** What of a request is the export's own. */
export const exportFields = {
  selection: ExportSelection,
  format: ExportFormat,
  images: Schema.optionalKey(ExportImages.annotate({ description: "Of a ZIP: pictures made anew." }))
}

/** Tables have no pictures to be made anew. */
export const picturesInZip = Schema.makeFilter<{ readonly format: ExportFormat; readonly images?: ExportImages }>(
  ({ format, images }) =>
    format === "zip" || images === undefined ? undefined : { path: ["images"], issue: "only a ZIP has pictures" },
  {
    toJsonSchema: () => ({
      anyOf: [{ properties: { format: { const: "zip" } } }, { not: { required: ["images"] } }]
    })
  }
)

/** An export to be made for the user who is the record's key. */
export const ExportRequest = Schema.Struct({
  /** Whether the user sees the trees of others too. */
  admin: Schema.Boolean,
  ...exportFields
}).check(picturesInZip)
export type ExportRequest = typeof ExportRequest.Type
