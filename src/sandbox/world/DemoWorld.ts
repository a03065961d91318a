/**
 * The demo world put together: written posts become channels with ids, dates, entities and pictures
 * for the Telegram sandbox, entries for the feeds, and a list of what every user should see published.
 */
import type {
  WorldBytes,
  WorldChannel,
  WorldForward,
  WorldModel,
  WorldPhoto,
  WorldPost,
  WorldVideo
} from "../telegram/WorldModel.ts"
import { cocinaDeRosa } from "./channels/cocinaDeRosa.ts"
import { falkenriedFans } from "./channels/falkenriedFans.ts"
import { openBenchFeed, vestnikFeed } from "./channels/feeds.ts"
import { nordkurveNews } from "./channels/nordkurveNews.ts"
import { plainskyLab } from "./channels/plainskyLab.ts"
import { zarechinskCity } from "./channels/zarechinskCity.ts"
import { zarechyeDigest } from "./channels/zarechyeDigest.ts"
import type { DemoChannel, DemoFeed, DemoPost } from "./DemoPost.ts"
import type { DemoSource, DemoUser } from "./demoUsers.ts"
import { demoTargets, demoUsers } from "./demoUsers.ts"
import { drawJpeg } from "./drawScene.ts"
import { formatMarkup } from "./formatMarkup.ts"
import type { SceneSubject } from "./sceneSvg.ts"
import { seededRandom, seedOf } from "./SeededRandom.ts"
import { drawSmallVideo } from "./smallVideo.ts"

/** A written post with its place in the world. */
export interface PlacedPost {
  readonly post: DemoPost
  readonly source: DemoSource
  /** Message ids in its channel, more than one for an album; empty in a feed. */
  readonly messageIds: ReadonlyArray<number>
  /** Seconds since the epoch. */
  readonly date: number
  /** Plain text as a reader of the source gets it. */
  readonly text: string
  readonly pictures: ReadonlyArray<WorldPhoto>
}

/** Everything the demo is made of. */
export interface DemoWorld {
  readonly model: WorldModel
  readonly feeds: ReadonlyArray<{ readonly feed: DemoFeed; readonly entries: ReadonlyArray<PlacedPost> }>
  readonly users: ReadonlyArray<DemoUser>
  readonly posts: ReadonlyArray<PlacedPost>
}

const once = (draw: () => Promise<Uint8Array>): WorldBytes => {
  let drawn: Promise<Uint8Array> | undefined
  return () => (drawn ??= draw())
}

type PhotoSize = readonly [width: number, height: number]

const sizes: readonly [PhotoSize, ...ReadonlyArray<PhotoSize>] = [
  [1280, 853],
  [1280, 960],
  [960, 1280],
  [1080, 1080]
]

/** One value per picture for the whole process: a forward carries the very file of the post it forwards. */
const photos = new Map<string, WorldPhoto>()

const drawPhoto = (seed: string, subject: SceneSubject, index: number): WorldPhoto => {
  const name = `${seed}-${index + 1}.jpg`
  const known = photos.get(name)
  if (known !== undefined) return known
  const [width, height] = seededRandom(`size ${seed} ${index}`).pick(sizes)
  const bytes = once(() => drawJpeg({ subject, width, height, seed: `${seed} ${index}` }))
  const photo = { bytes, width, height, name }
  photos.set(name, photo)
  return photo
}

/** A forward shows the pictures of the post it forwards. */
const photosOf = (post: DemoPost): ReadonlyArray<WorldPhoto> => {
  const seed = post.forwardOf ?? post.key
  if (post.media?.kind === "photo") return [drawPhoto(seed, post.media.subject, 0)]
  if (post.media?.kind === "album") return post.media.subjects.map((subject, i) => drawPhoto(seed, subject, i))
  return []
}

const videoOf = (post: DemoPost): WorldVideo | undefined => {
  if (post.media?.kind !== "video") return undefined
  const shape = { width: 320, height: 176, frames: 8, framesPerSecond: 4, seed: post.key }
  return {
    bytes: once(async () => drawSmallVideo(shape)),
    width: shape.width,
    height: shape.height,
    durationSeconds: shape.frames / shape.framesPerSecond,
    name: `${post.key}.mp4`
  }
}

const mediaOf = (photo: WorldPhoto | undefined, video: WorldVideo | undefined) => ({
  ...(photo !== undefined && { photo }),
  ...(video !== undefined && { video })
})

const byAge = (posts: ReadonlyArray<DemoPost>) => posts.toSorted((a, b) => b.hoursAgo - a.hoursAgo)

const dateOf = (post: DemoPost, now: number) => now - Math.round(post.hoursAgo * 3600)

/** Ids start behind the "channel created" message and skip one after every fifth post, as deletions do. */
const placeChannel = (
  channel: DemoChannel,
  now: number,
  origins: Map<string, WorldForward>
): { readonly channel: WorldChannel; readonly placed: ReadonlyArray<PlacedPost> } => {
  const oldest = Math.max(...channel.posts.map((post) => post.hoursAgo))
  const messages: Array<WorldPost> = [{ id: 1, date: now - Math.round((oldest + 24) * 3600), text: "", service: true }]
  const placed: Array<PlacedPost> = []
  let nextId = 2
  for (const [index, post] of byAge(channel.posts).entries()) {
    const { text, entities } = formatMarkup(post.text)
    const date = dateOf(post, now)
    const pictures = photosOf(post)
    const video = videoOf(post)
    const forward = post.forwardOf === undefined ? undefined : origins.get(post.forwardOf)
    const groupedId = String(13_000_000_000_000_000n + BigInt(seedOf(`${channel.username} ${post.key}`)))
    const shared = {
      date,
      ...(pictures.length > 1 && { groupedId }),
      ...(forward !== undefined && { forward }),
      ...(post.editedAfterMinutes !== undefined && { editDate: date + post.editedAfterMinutes * 60 })
    }
    const first: WorldPost = { id: nextId, text, entities, ...shared, ...mediaOf(pictures[0], video) }
    const group = [first]
    for (const photo of pictures.slice(1)) group.push({ id: nextId + group.length, text: "", photo, ...shared })
    messages.push(...group)
    placed.push({
      post,
      source: { kind: "telegram", username: channel.username },
      messageIds: group.map((message) => message.id),
      date,
      text,
      pictures
    })
    origins.set(post.key, { channelId: channel.id, postId: nextId, date })
    nextId += group.length + (index % 5 === 4 ? 1 : 0)
  }
  const { id, username, title } = channel
  return { channel: { id, username, title, kind: "source", posts: messages }, placed }
}

const placeFeed = (feed: DemoFeed, now: number): ReadonlyArray<PlacedPost> =>
  byAge(feed.posts).map((post) => ({
    post,
    source: { kind: "feed", name: feed.name },
    messageIds: [],
    date: dateOf(post, now),
    text: formatMarkup(post.text).text,
    pictures: photosOf(post)
  }))

/**
 * The demo world as of `now` (seconds since the epoch): the newest posts are about an hour old, the
 * oldest three days. Pictures are drawn when they are first asked for and then kept.
 */
export const makeDemoWorld = (now: number): DemoWorld => {
  const origins = new Map<string, WorldForward>()
  const channels = [zarechinskCity, plainskyLab, zarechyeDigest, cocinaDeRosa, nordkurveNews, falkenriedFans].map(
    (channel) => placeChannel(channel, now, origins)
  )
  const feeds = [vestnikFeed, openBenchFeed].map((feed) => ({ feed, entries: placeFeed(feed, now) }))
  return {
    model: {
      channels: [
        ...channels.map(({ channel }) => channel),
        ...demoTargets.map(({ id, username, title }): WorldChannel => ({
          id,
          username,
          title,
          kind: "target",
          posts: []
        }))
      ]
    },
    feeds,
    users: demoUsers,
    posts: [...channels.flatMap(({ placed }) => placed), ...feeds.flatMap(({ entries }) => entries)]
  }
}

const sameSource = (a: DemoSource, b: DemoSource): boolean =>
  a.kind === "telegram" ? b.kind === "telegram" && a.username === b.username : b.kind === "feed" && a.name === b.name

/** The posts of a user's sources, oldest first. */
export const postsFor = (world: DemoWorld, user: DemoUser): ReadonlyArray<PlacedPost> =>
  world.posts
    .filter(({ source }) => user.sources.some((wanted) => sameSource(wanted, source)))
    .toSorted((a, b) => a.date - b.date)

/** What should become of one story for one user. */
export interface ExpectedStory {
  readonly outcome: "publish" | "ad"
  /** Key of the first telling of the story. */
  readonly key: string
  /** All tellings the user's sources hold. Of a story to publish exactly one is published, the others are duplicates. */
  readonly tellings: ReadonlyArray<PlacedPost>
}

/** The stories a user's sources hold, in the order of their first telling. */
export const expectedStories = (world: DemoWorld, user: DemoUser): ReadonlyArray<ExpectedStory> => {
  const posts = postsFor(world, user)
  const visible = new Map(posts.map((placed) => [placed.post.key, placed.post]))
  const rootOf = (post: DemoPost): string => {
    const before = post.expected.verdict === "duplicate" ? visible.get(post.expected.of) : undefined
    return before === undefined ? post.key : rootOf(before)
  }
  return [...Map.groupBy(posts, ({ post }) => rootOf(post))].map(([key, tellings]) => ({
    outcome: tellings[0]?.post.expected.verdict === "ad" ? "ad" : "publish",
    key,
    tellings
  }))
}
