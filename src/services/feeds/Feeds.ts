/** The port to RSS, Atom, RDF and JSON feeds, whatever their dialect: plain entries out. */
import type { Effect } from "effect"
import { Context } from "effect"
import type { TextEntity } from "../telegram/TextEntity.ts"
import type { FeedsError } from "./FeedsError.ts"

/** A file an entry shows or encloses. */
export interface FeedMedia {
  readonly url: string
  readonly kind: "image" | "video" | "audio" | "other"
}

/** One entry. Texts are plain; formatting is in `entities`. */
export interface FeedEntry {
  /** Stable within its feed: the entry's own id, else its address, else a hash of its text. */
  readonly id: string
  readonly url: string | undefined
  readonly title: string
  readonly text: string
  readonly entities: ReadonlyArray<TextEntity>
  /** Milliseconds since the epoch; undefined when the entry gives no readable date. */
  readonly publishedAt: number | undefined
  readonly media: ReadonlyArray<FeedMedia>
}

/** What to ask for; `etag` and `lastModified` are those of the previous answer. */
export interface FeedRequest {
  readonly url: string
  readonly etag?: string
  readonly lastModified?: string
}

/** The state of a feed. Entries stand in the feed's own order. */
export type FeedAnswer =
  | { readonly status: "not_modified" }
  | {
      readonly status: "fetched"
      /** Where the feed was found after redirects. */
      readonly url: string
      readonly title: string
      readonly entries: ReadonlyArray<FeedEntry>
      readonly etag: string | undefined
      readonly lastModified: string | undefined
    }

/** Readers of feeds. */
export class Feeds extends Context.Service<
  Feeds,
  {
    /** Reads a feed unless it is unchanged. Fails with {@link FeedsError}. */
    readonly fetch: (request: FeedRequest) => Effect.Effect<FeedAnswer, FeedsError>
  }
>()("postroom/services/feeds/Feeds") {}
