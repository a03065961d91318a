/**
 * Posts of a Telegram channel behind a cursor, oldest first. An album is one
 * post: one that may still be arriving, or that the end of a page cut in two,
 * is left for the next reading.
 */
import { Effect } from "effect"
import { TelegramGateway } from "../../services/telegram/TelegramGateway.ts"
import type { TelegramError } from "../../services/telegram/TelegramError.ts"
import type { TelegramMessage, TelegramPeer } from "../../services/telegram/TelegramMessage.ts"
import type { Cursor, Found, FoundImage, FoundPost } from "./Found.ts"

/** Most messages of one reading; the rest is for the next. More than an album has. */
const pageLimit = 100

/** An album may still be arriving when its newest item is younger than this, ms. */
const albumSettlesMs = 5_000

/** Messages that are read for `backfill` posts at the first reading: room for albums, which are one post. */
const firstLimit = (backfill: number): number => backfill * 2 + 10

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
    if (last !== undefined && message.groupedId !== undefined && last[0]!.groupedId === message.groupedId)
      last.push(message)
    else groups.push([message])
  }
  return groups
}

const isAlbum = (group: ReadonlyArray<TelegramMessage>): boolean => group[0]?.groupedId !== undefined

/** The peer by its name, or again where the stored one is no longer taken. */
const withPeer = <A, R>(
  username: string,
  known: TelegramPeer | undefined,
  read: (peer: TelegramPeer) => Effect.Effect<A, TelegramError, R>
) =>
  Effect.gen(function* () {
    const gateway = yield* TelegramGateway
    const resolved = Effect.flatMap(gateway.resolve(username), (peer) =>
      Effect.map(read(peer), (found) => ({ peer, found }))
    )
    if (known === undefined) return yield* resolved
    const again = (error: TelegramError) =>
      error.reason._tag === "SourceGone" && error.reason.resolveAgain ? resolved : Effect.fail(error)
    return yield* Effect.catch(
      Effect.map(read(known), (found) => ({ peer: known, found })),
      again
    )
  })

/** What is new in a channel behind `cursor`; the first reading takes the newest `backfill` posts. `now` in ms. */
export const telegramPosts = Effect.fnUntraced(function* (
  username: string,
  cursor: Cursor,
  backfill: number,
  now: number
) {
  const gateway = yield* TelegramGateway
  const isFirst = cursor.lastId === undefined
  const limit = isFirst ? firstLimit(backfill) : pageLimit
  const { peer, found: read } = yield* withPeer(username, cursor.peer, (peer) =>
    isFirst ? gateway.newest(peer, limit) : gateway.history(peer, { minId: cursor.lastId ?? 0, limit })
  )
  const groups = groupsOf(read)
  const newest = groups.at(-1)
  const mayGrow =
    newest !== undefined &&
    isAlbum(newest) &&
    (now - newest.at(-1)!.date * 1000 < albumSettlesMs || (!isFirst && read.length >= limit))
  const complete = mayGrow ? groups.slice(0, -1) : groups
  const lastId = complete.at(-1)?.at(-1)?.id ?? (mayGrow ? newest[0]!.id - 1 : (cursor.lastId ?? 0))
  // The oldest album of a first reading may have begun before it.
  const whole = isFirst && read.length >= limit && isAlbum(complete[0] ?? []) ? complete.slice(1) : complete
  const wanted = isFirst ? (backfill === 0 ? [] : whole.slice(-backfill)) : whole
  return { posts: wanted.map((group) => postOf(group, peer)), cursor: { ...cursor, peer, lastId } } satisfies Found
})
