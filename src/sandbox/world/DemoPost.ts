/**
 * The written form of the demo world: what an author writes down about a post, and what should
 * become of it. The assembled world is in DemoWorld.ts.
 */
import type { SceneSubject } from "./sceneSvg.ts"

/** What Postroom should do with a post, for the users who read its source. */
export type Expectation =
  | { readonly verdict: "publish" }
  | { readonly verdict: "ad" }
  /** Tells the story of another post again: of the two, one is published. `of` is the other's key. */
  | { readonly verdict: "duplicate"; readonly of: string }

/** Pictures of a post: one photo, an album of two to four, or a short video. */
export type DemoMedia =
  | { readonly kind: "photo"; readonly subject: SceneSubject }
  | { readonly kind: "album"; readonly subjects: ReadonlyArray<SceneSubject> }
  | { readonly kind: "video" }

/** One written post. */
export interface DemoPost {
  /** Unique in the world, e.g. `city-tram`. */
  readonly key: string
  readonly hoursAgo: number
  /** Text in the markup of {@link formatMarkup}. */
  readonly text: string
  /** Headline; only in feeds. */
  readonly title?: string
  readonly media?: DemoMedia
  readonly editedAfterMinutes?: number
  /** Key of the post this one forwards. */
  readonly forwardOf?: string
  readonly expected: Expectation
}

/** A channel of the demo. */
export interface DemoChannel {
  /** Decimal, without the `-100` of the Bot API. */
  readonly id: string
  readonly username: string
  readonly title: string
  readonly language: string
  readonly posts: ReadonlyArray<DemoPost>
}

/** A feed of the demo; served as `/feeds/<name>.xml`. */
export interface DemoFeed {
  readonly name: string
  readonly format: "rss" | "atom"
  readonly title: string
  readonly language: string
  readonly posts: ReadonlyArray<DemoPost>
}

const publish: Expectation = { verdict: "publish" }

/** An ordinary post. */
export const story = (key: string, hoursAgo: number, text: string, rest: Partial<DemoPost> = {}): DemoPost => ({
  key,
  hoursAgo,
  text,
  expected: publish,
  ...rest
})

/** An advertisement. */
export const ad = (key: string, hoursAgo: number, text: string, rest: Partial<DemoPost> = {}): DemoPost => ({
  key,
  hoursAgo,
  text,
  expected: { verdict: "ad" },
  ...rest
})

/** The same post again, word for word, perhaps under another footer. */
export const repost = (key: string, hoursAgo: number, of: DemoPost, rest: Partial<DemoPost> = {}): DemoPost => ({
  key,
  hoursAgo,
  text: of.text,
  expected: { verdict: "duplicate", of: of.key },
  ...rest
})

/** The same story with a few words exchanged; pairs of what stood there and what stands there now. */
export const retold = (
  key: string,
  hoursAgo: number,
  of: DemoPost,
  changes: ReadonlyArray<readonly [string, string]>,
  rest: Partial<DemoPost> = {}
): DemoPost =>
  repost(key, hoursAgo, of, { text: changes.reduce((text, [from, to]) => text.replace(from, to), of.text), ...rest })

export const photo = (subject: SceneSubject): DemoMedia => ({ kind: "photo", subject })

export const album = (...subjects: ReadonlyArray<SceneSubject>): DemoMedia => ({ kind: "album", subjects })
