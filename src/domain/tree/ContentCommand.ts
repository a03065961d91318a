/**
 * What can be asked of the files of items. Bytes never travel in a command: it
 * names a blob that is in the store, or an address from which the content is to
 * be fetched, and what comes of that is said by another command later.
 */
import { Schema } from "effect"
import { isMaxCharacters } from "../characters.ts"
import { Attachment, Sha256 } from "./Attachment.ts"
import { ItemId } from "./ItemId.ts"
import { ItemName, Viewers } from "./Name.ts"
import { Tags } from "./Tag.ts"

/** How often an item's content has been put; what is said of an earlier one comes too late. */
export const Generation = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2_147_483_647 }))

export const MediaType = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/u)
)

/** An address of the web. Whether it may be fetched is settled when it is. */
export const RemoteUrl = Schema.String.check(
  isMaxCharacters(2_000),
  // oxlint-disable-next-line no-control-regex -- NUL as other readers of JSON Schema write it
  Schema.isPattern(/^[hH][tT]{2}[pP][sS]?:\/\/[^\s\x00]+$/u, {
    message: "must be an address that begins with http:// or https://"
  })
)

/** Content in the blob store. */
export const StoredContent = Schema.Struct({
  kind: Schema.tag("stored"),
  sha256: Sha256,
  /** Bytes. */
  size: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  /** Told by its bytes. */
  type: MediaType
})
export type StoredContent = typeof StoredContent.Type

const RemoteContent = Schema.Struct({ kind: Schema.tag("remote"), url: RemoteUrl })
export const Content = Schema.Union([StoredContent, RemoteContent])
export type Content = typeof Content.Type

/** A new item with its content. */
export const Upload = Schema.Struct({
  kind: Schema.tag("upload"),
  parent: Schema.NullOr(ItemId),
  name: ItemName,
  tags: Tags,
  viewers: Schema.NullOr(Viewers),
  content: Content
})

/** Other content for an item, or its first. */
export const SetContent = Schema.Struct({ kind: Schema.tag("setContent"), item: ItemId, content: Content })

/** What became of the content that was to be fetched for generation `gen`. */
export const Fetched = Schema.Struct({
  kind: Schema.tag("fetched"),
  item: ItemId,
  gen: Generation,
  content: Schema.Union([
    StoredContent,
    Schema.Struct({ kind: Schema.tag("failed"), reason: Schema.String, message: Schema.String })
  ])
})

/** What the converter made of the content `sha256` that the item has had since generation `gen`. */
export const Attach = Schema.Struct({
  kind: Schema.tag("attach"),
  item: ItemId,
  gen: Generation,
  sha256: Sha256,
  attachment: Attachment
})

/** The content of another item that the caller sees, and what was made of it. No bytes are copied. */
export const CopyContent = Schema.Struct({ kind: Schema.tag("copyContent"), item: ItemId, from: ItemId })

/** An item with everything below it that the caller sees, once more: in the tree of the record's key, below `parent`. */
export const Copy = Schema.Struct({ kind: Schema.tag("copy"), item: ItemId, parent: Schema.NullOr(ItemId) })

/** Removes a deleted item with everything below it for good. */
export const Purge = Schema.Struct({
  kind: Schema.tag("purge"),
  item: ItemId,
  /** Only where it was deleted before this time (ms since 1970); else, and where it is gone, nothing is done. */
  deletedBefore: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8_640_000_000_000_000 })))
})

/** Whether previews can be wanted of content of this type. */
export const isPicturable = (mediaType: string): boolean =>
  /^(image|video)\//.test(mediaType) || mediaType === "application/pdf"
