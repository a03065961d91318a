/**
 * A post on its way through the pipeline, as plain data. Text is never markup:
 * formatting stands beside it as spans, so that nothing is parsed on the way out.
 */
import { Schema } from "effect"
import { isMaxCharacters } from "./characters.ts"

/** A formatted span of a text; offsets and lengths in UTF-16 units, as Telegram counts. */
export const TextSpan = Schema.Struct({
  type: Schema.String,
  offset: Schema.Int,
  length: Schema.Int,
  url: Schema.optionalKey(Schema.String),
  language: Schema.optionalKey(Schema.String)
})

/** A picture in the blob store. */
export const PostImage = Schema.Struct({
  sha256: Schema.String,
  mime: Schema.String
})
export type PostImage = typeof PostImage.Type

/** Where posts come from. */
export const Source = Schema.Union([
  Schema.Struct({
    kind: Schema.tag("telegram"),
    username: Schema.String.check(Schema.isMinLength(1), isMaxCharacters(64))
  }),
  Schema.Struct({
    kind: Schema.tag("web"),
    username: Schema.String.check(Schema.isMinLength(1), isMaxCharacters(64))
  }),
  Schema.Struct({
    kind: Schema.tag("feed"),
    url: Schema.String.check(Schema.isMinLength(1), isMaxCharacters(2_000))
  })
])
export type Source = typeof Source.Type

/** What a user wants made of the posts of a source. */
export const Assignment = Schema.Struct({
  /** Username of the channel to publish to. */
  target: Schema.String.check(Schema.isMinLength(1), isMaxCharacters(64)),
  /** How the text should sound: goes into the instructions of the model. */
  style: Schema.String.check(isMaxCharacters(2_000)),
  language: Schema.String.check(isMaxCharacters(16))
})
export type Assignment = typeof Assignment.Type

/** One name per source, for cursors and ids. */
export const sourceKeyOf = (source: Source): string =>
  source.kind === "feed" ? `feed:${source.url}` : `${source.kind}:${source.username.toLowerCase()}`

/** A post as it was collected. */
export const CollectedPost = Schema.Struct({
  /** The source's key and the post's id there. */
  id: Schema.String,
  source: Schema.String,
  title: Schema.String,
  url: Schema.NullOr(Schema.String),
  /** ms since the epoch. */
  publishedAt: Schema.Finite,
  text: Schema.String,
  spans: Schema.Array(TextSpan),
  images: Schema.Array(PostImage)
})
export type CollectedPost = typeof CollectedPost.Type

/** A post after its rewriting. */
export const RewrittenPost = Schema.Struct({
  /** The collected post's id. */
  id: Schema.String,
  source: Schema.String,
  title: Schema.String,
  text: Schema.String,
  tags: Schema.Array(Schema.String),
  url: Schema.NullOr(Schema.String),
  images: Schema.Array(PostImage)
})
export type RewrittenPost = typeof RewrittenPost.Type
