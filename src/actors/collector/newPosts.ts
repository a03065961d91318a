/** Posts of a source that are new behind a cursor, oldest first, whatever kind of source it is. */
import { Effect } from "effect"
import type { Source } from "../../domain/Post.ts"
import { Feeds } from "../../services/feeds/Feeds.ts"
import { TelegramWeb } from "../../services/feeds/TelegramWeb.ts"
import { SafeFetch } from "../../services/web/SafeFetch.ts"
import { TelegramGateway } from "../../services/telegram/TelegramGateway.ts"
import type { TelegramMessage, TelegramPeer } from "../../services/telegram/TelegramMessage.ts"
import type { TextEntity } from "../../services/telegram/TextEntity.ts"

/** Where the reading of a source stands. JSON. */
export interface Cursor {
  /** Highest message id that was read. */
  readonly lastId?: number
  /** Ids of the entries the feed had at the last reading. */
  readonly seen?: ReadonlyArray<string>
  readonly etag?: string
  readonly lastModified?: string
  readonly peer?: TelegramPeer
}

/** A picture that can be had. */
export interface FoundImage {
  /** Equal for the same picture wherever it was posted, as far as the source says. */
  readonly id: string
  readonly mime: string
  readonly bytes: Effect.Effect<Uint8Array, unknown, TelegramGateway | SafeFetch>
}

export interface FoundPost {
  readonly id: string
  readonly title: string
  readonly url: string | null
  readonly publishedAt: number
  readonly text: string
  readonly spans: ReadonlyArray<TextEntity>
  readonly images: ReadonlyArray<FoundImage>
  /** Why the source says that it may not be used. */
  readonly refused: string | null
}

export interface Found {
  readonly posts: ReadonlyArray<FoundPost>
  readonly cursor: Cursor
}

/** Most messages of one reading; the rest is for the next. */
const pageLimit = 100

/** An album may still be arriving when its newest item is younger than this, ms. */
const albumSettlesMs = 5_000

const imagesOf = (messages: ReadonlyArray<TelegramMessage>): ReadonlyArray<FoundImage> =>
  messages.flatMap(({ media }) =>
    media?.kind === "photo"
      ? [{ id: media.id, mime: media.mime, bytes: TelegramGateway.use((gateway) => gateway.download(media)) }]
      : []
  )

/** Messages of one album become one post; its text is the first caption. */
const postOf = (group: ReadonlyArray<TelegramMessage>, peer: TelegramPeer): FoundPost => {
  const first = group[0]!
  const spoken = group.find((message) => message.text !== "") ?? first
  return {
    id: String(first.id),
    title: peer.title,
    url: peer.username === undefined ? null : `https://t.me/${peer.username}/${first.id}`,
    publishedAt: first.date * 1000,
    text: spoken.text,
    spans: spoken.entities,
    images: imagesOf(group),
    refused:
      first.service === true
        ? "a service message"
        : first.noForwards === true || peer.noForwards === true
          ? "its owner forbids copying"
          : null
  }
}

/** Consecutive messages of one album, together. */
const groupsOf = (messages: ReadonlyArray<TelegramMessage>): Array<ReadonlyArray<TelegramMessage>> => {
  const groups: Array<Array<TelegramMessage>> = []
  for (const message of messages) {
    const last = groups.at(-1)
    if (last !== undefined && message.groupedId !== undefined && last[0]!.groupedId === message.groupedId) last.push(message)
    else groups.push([message])
  }
  return groups
}

const fromTelegram = Effect.fnUntraced(function* (username: string, cursor: Cursor, backfill: number, now: number) {
  const gateway = yield* TelegramGateway
  const peer = cursor.peer ?? (yield* gateway.resolve(username))
  const isFirst = cursor.lastId === undefined
  const read = yield* gateway.history(peer, { minId: cursor.lastId ?? 0, limit: isFirst ? 10_000 : pageLimit })
  const groups = groupsOf(read)
  const newest = groups.at(-1)
  // The last album waits for the next reading while it may still grow.
  const isOpen =
    newest !== undefined && newest[0]!.groupedId !== undefined && now - newest.at(-1)!.date * 1000 < albumSettlesMs
  const complete = isOpen ? groups.slice(0, -1) : groups
  const lastId = complete.at(-1)?.at(-1)?.id ?? cursor.lastId ?? 0
  const wanted = isFirst ? (backfill === 0 ? [] : complete.slice(-backfill)) : complete
  return { posts: wanted.map((group) => postOf(group, peer)), cursor: { ...cursor, peer, lastId } } satisfies Found
})

const fromWeb = Effect.fnUntraced(function* (username: string, cursor: Cursor, backfill: number) {
  const web = yield* TelegramWeb
  const { posts, title } = yield* web.history({
    channel: username,
    ...(cursor.lastId === undefined ? {} : { after: cursor.lastId })
  })
  const wanted = cursor.lastId === undefined ? (backfill === 0 ? [] : posts.slice(-backfill)) : posts
  return {
    posts: wanted.map(
      (post): FoundPost => ({
        id: String(post.id),
        title,
        url: `https://t.me/${username}/${post.id}`,
        publishedAt: post.date,
        text: post.text,
        spans: post.entities,
        images: post.photos.map(imageAt),
        refused: null
      })
    ),
    cursor: { ...cursor, lastId: posts.at(-1)?.id ?? cursor.lastId ?? 0 }
  } satisfies Found
})

const imageAt = (url: string): FoundImage => ({
  id: url,
  mime: "image/jpeg",
  bytes: SafeFetch.use((web) => Effect.map(web.get(url, { maxBytes: 20 * 1024 * 1024 }), (answer) => answer.bytes))
})

const fromFeed = Effect.fnUntraced(function* (url: string, cursor: Cursor, backfill: number) {
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
    posts: wanted.map(
      (entry): FoundPost => ({
        id: entry.id,
        title: answer.title,
        url: entry.url ?? null,
        publishedAt: entry.publishedAt ?? 0,
        text: entry.title === "" || entry.text.startsWith(entry.title) ? entry.text : `${entry.title}\n\n${entry.text}`,
        spans: [],
        images: entry.media.filter((media) => media.kind === "image").slice(0, 4).map((media) => imageAt(media.url)),
        refused: null
      })
    ),
    cursor: {
      seen: answer.entries.map((entry) => entry.id),
      ...(answer.etag === undefined ? {} : { etag: answer.etag }),
      ...(answer.lastModified === undefined ? {} : { lastModified: answer.lastModified })
    }
  } satisfies Found
})

/** What is new in `source` behind `cursor`. The first reading takes the newest `backfill` posts. `now` in ms. */
export const newPosts = (source: Source, cursor: Cursor, backfill: number, now: number) => {
  switch (source.kind) {
    case "telegram":
      return fromTelegram(source.username, cursor, backfill, now)
    case "web":
      return fromWeb(source.username, cursor, backfill)
    case "feed":
      return fromFeed(source.url, cursor, backfill)
  }
}
