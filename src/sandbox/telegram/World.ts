/**
 * The living state of a sandbox Telegram: channels with their posts, pts counters and scheduled queues. It knows
 * nothing of connections or of TL; methods read and change it, tests and demos do too.
 */
import type { TextEntity } from "../../services/telegram/TextEntity.ts"
import { drawnOnce, stableNumber, type Files, type StoredFile } from "./Files.ts"
import type { NewWorldPost, WorldChannel, WorldForward, WorldModel, WorldPost } from "./WorldModel.ts"

/** A post as the server keeps it. `sentBy` is the account id of a post that a client made. */
export interface StoredPost {
  readonly id: number
  readonly date: number
  readonly text: string
  readonly entities: ReadonlyArray<TextEntity>
  readonly media?: StoredFile
  readonly groupedId?: string
  readonly editDate?: number
  readonly forward?: WorldForward
  readonly noForwards?: boolean
  readonly service?: boolean
  readonly replyTo?: number
  readonly sentBy?: string
  readonly randomId?: string
}

/** A channel: `posts` oldest first by id; `scheduled` has ids of its own, as on Telegram. */
export interface Channel {
  readonly id: string
  readonly username: string
  readonly title: string
  readonly kind: "source" | "target"
  readonly noForwards: boolean
  posts: ReadonlyArray<StoredPost>
  scheduled: ReadonlyArray<StoredPost>
  nextId: number
  nextScheduledId: number
  pts: number
}

/** What happened in a channel, for pushing to clients. */
export interface ChannelChange {
  readonly kind: "new" | "edit" | "delete"
  readonly channel: Channel
  readonly posts: ReadonlyArray<StoredPost>
}

export interface World {
  readonly channels: () => ReadonlyArray<Channel>
  readonly byId: (id: string) => Channel | undefined
  /** Finds a channel by user name, in any case. */
  readonly byUsername: (username: string) => Channel | undefined
  readonly addChannel: (channel: WorldChannel) => Channel
  /** Adds a post at run time and tells listeners; id and date are given when left out. */
  readonly addPost: (channel: Channel | string, post: NewWorldPost) => StoredPost
  /** Appends posts a client sent (ids are given) and tells listeners. */
  readonly append: (channel: Channel, posts: ReadonlyArray<Omit<StoredPost, "id">>) => ReadonlyArray<StoredPost>
  readonly edit: (channel: Channel | string, id: number, change: Partial<StoredPost>) => StoredPost | undefined
  /** Deletes posts; answers those that were there. */
  readonly remove: (channel: Channel | string, ids: ReadonlyArray<number>) => ReadonlyArray<StoredPost>
  readonly schedule: (channel: Channel, posts: ReadonlyArray<Omit<StoredPost, "id">>) => ReadonlyArray<StoredPost>
  /** Takes scheduled posts out of the queue: those with these ids. */
  readonly unschedule: (channel: Channel, ids: ReadonlyArray<number>) => ReadonlyArray<StoredPost>
  readonly onChange: (listener: (change: ChannelChange) => void) => () => void
}

const fileOf = (
  channelId: string,
  post: NewWorldPost & { readonly id: number },
  dc: number
): StoredFile | undefined => {
  const media = post.photo ?? post.video
  if (media === undefined) return undefined
  return {
    // A forwarded file keeps its id, as on Telegram.
    id: stableNumber("file", post.forward?.channelId ?? channelId, post.forward?.postId ?? post.id, media.name),
    kind: post.photo === undefined ? "video" : "photo",
    name: media.name,
    mime: post.photo === undefined ? (post.video?.mime ?? "video/mp4") : "image/jpeg",
    width: media.width,
    height: media.height,
    ...(post.photo === undefined && post.video !== undefined ? { durationSeconds: post.video.durationSeconds } : {}),
    dc,
    bytes: drawnOnce(media.bytes)
  }
}

/** Builds the state of a world model. `now` is in seconds; `mediaDc` is where files of the model are kept. */
export const makeWorld = (model: WorldModel, files: Files, now: () => number, mediaDc: number): World => {
  const channels = new Map<string, Channel>()
  const listeners = new Set<(change: ChannelChange) => void>()
  const tell = (change: ChannelChange) => {
    change.channel.pts += change.posts.length
    for (const listener of listeners) listener(change)
  }
  const find = (channel: Channel | string): Channel => {
    const found = typeof channel === "string" ? (channels.get(channel) ?? world.byUsername(channel)) : channel
    if (found === undefined) throw new Error(`the sandbox world has no channel ${String(channel)}`)
    return found
  }
  const stored = (channelId: string, post: WorldPost): StoredPost => {
    const { photo: _photo, video: _video, entities, ...plain } = post
    const media = fileOf(channelId, post, mediaDc)
    return { ...plain, entities: entities ?? [], ...(media === undefined ? {} : { media: files.add(media) }) }
  }

  const world: World = {
    channels: () => [...channels.values()],
    byId: (id) => channels.get(id),
    byUsername: (username) =>
      [...channels.values()].find((channel) => channel.username.toLowerCase() === username.toLowerCase()),
    addChannel: (model) => {
      const posts = (model.posts ?? []).map((post) => stored(model.id, post)).sort((a, b) => a.id - b.id)
      const channel: Channel = {
        id: model.id,
        username: model.username,
        title: model.title,
        kind: model.kind,
        noForwards: model.noForwards ?? false,
        posts,
        scheduled: [],
        nextId: (posts.at(-1)?.id ?? 0) + 1,
        nextScheduledId: 1,
        pts: posts.length + 1
      }
      channels.set(channel.id, channel)
      return channel
    },
    addPost: (where, post) => {
      const channel = find(where)
      const id = post.id ?? channel.nextId
      const added = stored(channel.id, { ...post, id, date: post.date ?? now() })
      channel.posts = [...channel.posts, added].sort((a, b) => a.id - b.id)
      channel.nextId = Math.max(channel.nextId, id + 1)
      tell({ kind: "new", channel, posts: [added] })
      return added
    },
    append: (channel, posts) => {
      const added = posts.map((post) => ({ ...post, id: channel.nextId++ }))
      channel.posts = [...channel.posts, ...added]
      tell({ kind: "new", channel, posts: added })
      return added
    },
    edit: (where, id, change) => {
      const channel = find(where)
      const before = channel.posts.find((post) => post.id === id)
      if (before === undefined) return undefined
      const after = { ...before, editDate: now(), ...change }
      channel.posts = channel.posts.map((post) => (post === before ? after : post))
      tell({ kind: "edit", channel, posts: [after] })
      return after
    },
    remove: (where, ids) => {
      const channel = find(where)
      const gone = channel.posts.filter((post) => ids.includes(post.id))
      channel.posts = channel.posts.filter((post) => !ids.includes(post.id))
      if (gone.length > 0) tell({ kind: "delete", channel, posts: gone })
      return gone
    },
    schedule: (channel, posts) => {
      const added = posts.map((post) => ({ ...post, id: channel.nextScheduledId++ }))
      channel.scheduled = [...channel.scheduled, ...added]
      return added
    },
    unschedule: (channel, ids) => {
      const taken = channel.scheduled.filter((post) => ids.includes(post.id))
      channel.scheduled = channel.scheduled.filter((post) => !ids.includes(post.id))
      return taken
    },
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
  }
  for (const channel of model.channels) world.addChannel(channel)
  return world
}
