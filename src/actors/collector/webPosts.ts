/** Posts of a feed and of a channel's public web page, new behind a cursor and oldest first. */
import { Effect } from "effect"
import { Feeds } from "../../services/feeds/Feeds.ts"
import { TelegramWeb } from "../../services/feeds/TelegramWeb.ts"
import { SafeFetch } from "../../services/web/SafeFetch.ts"
import type { Cursor, Found, FoundImage, FoundPost } from "./Found.ts"

/** Largest picture that is fetched, bytes, and most of one feed entry. */
const largestPicture = 20 * 1024 * 1024
const mostPictures = 4

const imageAt = (url: string): FoundImage => ({
  id: url,
  mime: "image/jpeg",
  bytes: SafeFetch.use((web) => Effect.map(web.get(url, { maxBytes: largestPicture }), (answer) => answer.bytes))
})

/** Posts of a public channel page behind `cursor`; the first reading takes the newest `backfill`. */
export const webPosts = Effect.fnUntraced(function* (username: string, cursor: Cursor, backfill: number) {
  const web = yield* TelegramWeb
  const { posts, title } = yield* web.history({
    channel: username,
    ...(cursor.lastId === undefined ? {} : { after: cursor.lastId })
  })
  const wanted = cursor.lastId === undefined ? (backfill === 0 ? [] : posts.slice(-backfill)) : posts
  return {
    posts: wanted.map((post): FoundPost => ({
      id: String(post.id),
      title,
      url: `https://t.me/${username}/${post.id}`,
      publishedAt: post.date,
      text: post.text,
      spans: post.entities,
      images: post.photos.map(imageAt),
      refused: null
    })),
    cursor: { ...cursor, lastId: posts.at(-1)?.id ?? cursor.lastId ?? 0 }
  } satisfies Found
})

/** Entries of a feed that were not there at the last reading; the first one takes the newest `backfill`. */
export const feedPosts = Effect.fnUntraced(function* (url: string, cursor: Cursor, backfill: number) {
  const feeds = yield* Feeds
  const answer = yield* feeds.fetch({
    url,
    ...(cursor.etag === undefined ? {} : { etag: cursor.etag }),
    ...(cursor.lastModified === undefined ? {} : { lastModified: cursor.lastModified })
  })
  if (answer.status === "not_modified") return { posts: [], cursor } satisfies Found
  const seen = new Set(cursor.seen)
  // Feeds stand newest first, most of them; dates decide, and their own order where there are none.
  const ordered = answer.entries.toReversed().toSorted((a, b) => (a.publishedAt ?? 0) - (b.publishedAt ?? 0))
  const fresh = ordered.filter((entry) => !seen.has(entry.id))
  const wanted = cursor.seen === undefined ? (backfill === 0 ? [] : fresh.slice(-backfill)) : fresh
  return {
    posts: wanted.map((entry): FoundPost => ({
      id: entry.id,
      title: answer.title,
      url: entry.url ?? null,
      publishedAt: entry.publishedAt ?? 0,
      text: entry.title === "" || entry.text.startsWith(entry.title) ? entry.text : `${entry.title}\n\n${entry.text}`,
      spans: [],
      images: entry.media
        .filter((media) => media.kind === "image")
        .slice(0, mostPictures)
        .map((media) => imageAt(media.url)),
      refused: null
    })),
    cursor: {
      seen: answer.entries.map((entry) => entry.id),
      ...(answer.etag === undefined ? {} : { etag: answer.etag }),
      ...(answer.lastModified === undefined ? {} : { lastModified: answer.lastModified })
    }
  } satisfies Found
})
