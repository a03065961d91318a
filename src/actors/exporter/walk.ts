/** The items of an export one after the other, each once, and as exports describe them. */
import { Clock, Effect, Stream } from "effect"
import { withoutPosition } from "../../domain/export/Listing.ts"
import type { Listed } from "../../domain/export/Listing.ts"
import { withExtension } from "../../domain/export/FileName.ts"
import type { Places } from "../../domain/export/Places.ts"
import { isSeen, pagesOf } from "./selection.ts"
import type { Plan, Requester, SelectedItem } from "./selection.ts"
import type { Tally } from "./Tally.ts"

/** How long what a page says of rights is good, ms. Behind large files its last item may come minutes later. */
const freshMs = 250

/** The items of `plan`, in order. What is not found, or no longer, is told to the tally. */
export const walk = (requester: Requester, plan: Plan, tally: Tally) => {
  for (const id of plan.missing) tally.skip({ id }, "NotFound")
  /** What is moved while we read may come by twice. */
  const known = new Set<string>()
  const roots = new Set(plan.roots.map(({ id }) => id))

  const stillSeen = ({ id }: SelectedItem, readAt: number) =>
    Effect.gen(function* () {
      if ((yield* Clock.currentTimeMillis) - readAt < freshMs || (yield* isSeen(requester, id))) return true
      if (roots.has(id)) tally.skip({ id }, "NotFound")
      return false
    })

  return pagesOf(requester, plan).pipe(
    Stream.mapEffect((page) => Effect.map(Clock.currentTimeMillis, (readAt) => ({ ...page, readAt }))),
    Stream.flatMap(({ items, gone, readAt }) => {
      for (const id of gone) if (!known.has(id)) tally.skip({ id }, "NotFound")
      const fresh = items.filter(({ id }) => !known.has(id))
      for (const { id } of fresh) known.add(id)
      // One by one: the question is to be asked when the item's turn has come.
      return Stream.fromIterable(fresh).pipe(
        Stream.rechunk(1),
        Stream.filterEffect((item) => stillSeen(item, readAt))
      )
    }),
    // Collections are folders for what is below them, whether or not they have the tags that are asked for.
    Stream.filter(({ matches, type }) => matches || type === "collection"),
    Stream.tap(({ matches }) => (matches ? tally.item : Effect.void))
  )
}

/** Where an item stands in its trees. */
export const placeOf = ({ ownerNumber, path }: SelectedItem) => ({ owner: ownerNumber, path })

/** The name of an item's file. */
export const nameOf = ({ name, mediaType }: SelectedItem): string =>
  mediaType === null ? name : withExtension(name, mediaType)

type Exif = Readonly<Record<string, unknown>>

/** What the camera wrote, as the requester may have it. */
export const exifOf = ({ exif, isOwner }: SelectedItem): Exif => {
  const all = exif === null ? {} : (JSON.parse(exif) as Exif)
  return isOwner ? all : withoutPosition(all)
}

/** An item as it is described, once it has a place. */
export const listedOf = (item: SelectedItem, places: Places): Listed => {
  const place = placeOf(item)
  const path = item.type === "collection" ? places.folder(place, item.name) : places.file(place, nameOf(item))
  const { id, name, type, owner, tags, effectiveTags, createdAt, sha256, size, mediaType, width, height } = item
  const content =
    sha256 === null ? null : { sha256, size: Number(size), type: mediaType ?? "", width, height, exif: exifOf(item) }
  return { id, path, name, type, owner, tags, effectiveTags, createdAt: createdAt?.toISOString() ?? null, content }
}
