/**
 * What the converter says of an item's picture: what it made of it, or why it
 * could make nothing. It travels in the tree command `attach`, and names the
 * content it is about, so that a late one changes nothing.
 */
import { Schema } from "effect"
import { isMaxCharacters } from "../characters.ts"

/** A blob's name: SHA-256 of its bytes, 64 lower-case hex digits. */
export const Sha256 = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/u))

const Pixels = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))
const Bytes = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
/** One word, in the registers of formats and of failures. */
const Word = Schema.String.check(Schema.isPattern(/^[A-Za-z][A-Za-z0-9_-]{0,39}$/u))
const Said = Schema.String.check(isMaxCharacters(1_000))

/** A picture made of the content, in the blob store. */
export const Derived = Schema.Struct({
  sha256: Sha256,
  /** Bytes. */
  size: Bytes,
  width: Pixels,
  height: Pixels,
  /** `jpeg`, `webp`, `avif`, `png` or `gif`. */
  format: Word
})

const Converted = Schema.Struct({
  kind: Schema.tag("converted"),
  preview: Derived,
  thumbnail: Derived,
  /** Of the content, upright. */
  width: Pixels,
  height: Pixels,
  /** ThumbHash, in Base64. */
  thumbhash: Schema.String.check(Schema.isPattern(/^[A-Za-z0-9+/]{0,60}={0,2}$/u)),
  /** Why the picture is not quite what was uploaded, where the file is damaged; else null. */
  degraded: Schema.NullOr(Said),
  /** What the camera wrote, without what is private. */
  exif: Schema.Record(Schema.String.check(isMaxCharacters(100)), Schema.Json)
})

const Failed = Schema.Struct({
  kind: Schema.tag("failed"),
  /** What kind of failure, in one word: `UnsupportedFormat`, `Corrupt`, … */
  reason: Word,
  /** Fit to be shown to the item's owner. */
  message: Said
})

export const Attachment = Schema.Union([Converted, Failed])
export type Attachment = typeof Attachment.Type
