/** The entries of an export's ZIP: folders, files as they are or pictures made anew, and at the end what is missing. */
import { Effect, Stream } from "effect"
import type { ExportImages, ExportRequest } from "../../domain/export/ExportRequest.ts"
import { asType } from "../../domain/export/FileName.ts"
import { makePlaces } from "../../domain/export/Places.ts"
import type { Places } from "../../domain/export/Places.ts"
import { Blobs } from "../../services/blobs/Blobs.ts"
import type { BlobError } from "../../services/blobs/BlobError.ts"
import type { ArchiveEntry } from "../../services/exports/Archive.ts"
import { deflatesWell } from "../../services/exports/Archive.ts"
import { pictureOf } from "../../services/exports/pictures.ts"
import type { Encoding } from "../../services/images/Job.ts"
import type { Plan, Requester, SelectedItem } from "./selection.ts"
import type { ExportTooLarge, Tally } from "./Tally.ts"
import { exifOf, nameOf, placeOf, walk } from "./walk.ts"

type Entry = ArchiveEntry<BlobError | ExportTooLarge, never>

/** What says at the top of the ZIP what is not in it. */
const manifestName = "manifest.json"

/** The first time a ZIP can tell. */
const earliest = new Date(Date.UTC(1980, 0, 1))

/** When it was taken, by the clock of the camera; else when it was made an item. Never the time of the export. */
const timeOf = (item: SelectedItem): Date => {
  const { takenAt } = exifOf(item)
  const taken = typeof takenAt === "string" ? new Date(`${takenAt.slice(0, 19)}Z`) : null
  return taken !== null && !Number.isNaN(taken.getTime()) ? taken : (item.createdAt ?? earliest)
}

const encodingOf = (images: ExportImages | undefined): Encoding | null =>
  images === undefined || images.format === "original"
    ? null
    : { format: images.format, edge: images.size ?? null, quality: images.quality ?? null }

/** The bytes of an item's file, or of the picture that is wanted of it; null where it is skipped. */
const fileOf = Effect.fnUntraced(function* (
  item: SelectedItem & { readonly sha256: string },
  images: ExportImages | undefined,
  tally: Tally
) {
  const blobs = yield* Blobs
  const encoding = encodingOf(images)
  const mediaType = item.mediaType ?? ""
  const original = { name: nameOf(item), mediaType, content: blobs.get(item.sha256) }
  if (encoding === null) return original
  const made = mediaType.startsWith("image/")
    ? yield* pictureOf(item.sha256, encoding)
    : { kind: "none" as const, message: `${mediaType} is no picture` }
  if (made.kind === "made")
    return { name: asType(nameOf(item), made.mediaType), mediaType: made.mediaType, content: made.content }
  if (images === undefined || images.format === "original" || images.otherwise !== "skip") return original
  tally.skip(item, "NoPicture", made.message)
  return null
})

const isThere = (sha256: string) =>
  Effect.flatMap(Blobs, (blobs) =>
    blobs.head(sha256).pipe(
      Effect.as(true),
      Effect.catchReason("BlobError", "NotFound", () => Effect.succeed(false))
    )
  )

const entryOf = Effect.fnUntraced(function* (
  item: SelectedItem,
  places: Places,
  images: ExportImages | undefined,
  tally: Tally
) {
  const at = timeOf(item)
  if (item.type === "collection") {
    const path = places.folder(placeOf(item), item.name)
    // Without the tags that are asked for, a folder is there for its files alone.
    return item.matches ? Stream.succeed<Entry>({ path, at, content: null, deflates: false }) : Stream.empty
  }
  const { sha256 } = item
  if (sha256 === null) {
    tally.skip(item, item.hasContent ? "NotFetchedYet" : "NoContent")
    return Stream.empty
  }
  if (!(yield* isThere(sha256))) {
    tally.skip(item, "FileMissing")
    return Stream.empty
  }
  const file = yield* fileOf({ ...item, sha256 }, images, tally)
  if (file === null) return Stream.empty
  yield* tally.file
  return Stream.succeed<Entry>({
    path: places.file(placeOf(item), file.name),
    at,
    content: Stream.tap(file.content, (bytes) => tally.bytes(bytes.length)),
    deflates: deflatesWell(file.mediaType)
  })
})

/** What was wanted and what of it is missing. Nothing in it differs between two exports of the same. */
const manifestOf = ({ selection, images }: ExportRequest, { items, files, skips }: Tally): Uint8Array =>
  new TextEncoder().encode(
    `${JSON.stringify({ selection, images: images ?? null, items, files, skipped: skips }, null, 1)}\n`
  )

/** The entries of the ZIP that is asked for. */
export const entriesOf = (request: ExportRequest, requester: Requester, plan: Plan, tally: Tally) => {
  const places = makePlaces([manifestName])
  const items = walk(requester, plan, tally).pipe(
    // What an entry is read from goes when the next one is asked for.
    Stream.flatMap((item) => Stream.unwrap(entryOf(item, places, request.images, tally)))
  )
  const manifest = Stream.suspend(() =>
    Stream.succeed<Entry>({
      path: manifestName,
      at: earliest,
      content: Stream.make(manifestOf(request, tally)),
      deflates: true
    })
  )
  return Stream.concat(items, manifest)
}
