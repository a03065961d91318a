/** {@link Feeds} over guarded HTTP with conditional requests (RFC 9110 §13). */
import { Effect, Layer, Result } from "effect"
import { SafeFetch } from "../web/SafeFetch.ts"
import type { FetchLimits } from "../web/SafeFetch.ts"
import { decodeBytes } from "./decodeBytes.ts"
import { parseFeedDocument } from "./feedEntries.ts"
import type { FeedAnswer } from "./Feeds.ts"
import { Feeds } from "./Feeds.ts"
import { FeedsError, NotAFeed } from "./FeedsError.ts"
import { fetchSource } from "./sourceFetch.ts"

const accept =
  "application/atom+xml, application/rss+xml, application/rdf+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"

/** Feeds over HTTP; `limits` bound one feed (5 MB and 20 s by default, see {@link SafeFetch}). */
export const layerHttpFeeds = (limits: FetchLimits = {}): Layer.Layer<Feeds, never, SafeFetch> =>
  Layer.effect(
    Feeds,
    Effect.map(SafeFetch, (web) =>
      Feeds.of({
        fetch: Effect.fn("Feeds.fetch")(function* ({ url, etag, lastModified }) {
          const response = yield* fetchSource(web, url, {
            ...limits,
            headers: {
              accept,
              ...(etag !== undefined && { "if-none-match": etag }),
              ...(lastModified !== undefined && { "if-modified-since": lastModified })
            }
          })
          if (response.status === 304) return { status: "not_modified" } satisfies FeedAnswer
          const document = decodeBytes(response.bytes, response.headers["content-type"])
          const feed = parseFeedDocument(document, response.url)
          if (Result.isFailure(feed))
            return yield* Effect.fail(new FeedsError({ reason: new NotAFeed({ url, detail: feed.failure }) }))
          return {
            status: "fetched",
            url: response.url,
            ...feed.success,
            etag: response.headers["etag"],
            lastModified: response.headers["last-modified"]
          } satisfies FeedAnswer
        })
      })
    )
  )
