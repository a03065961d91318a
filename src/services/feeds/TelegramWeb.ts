/**
 * Reads public Telegram channels without an account, from their web pages. Slower and poorer than the
 * API (no private channels, no large media), but it needs no credentials.
 */
import { Context, Effect, Layer } from "effect"
import { SafeFetch } from "../web/SafeFetch.ts"
import type { FetchLimits } from "../web/SafeFetch.ts"
import { decodeBytes } from "./decodeBytes.ts"
import type { FeedsErrorReason } from "./FeedsError.ts"
import { FeedsError, NotAFeed, SourceGone } from "./FeedsError.ts"
import { fetchSource } from "./sourceFetch.ts"
import type { TelegramPage, TelegramWebPost } from "./telegramPage.ts"
import { parseTelegramPage } from "./telegramPage.ts"

/** Settings of the layer; the limits are 2 MB and 20 s by default: a page of posts has a tenth of that. */
export interface TelegramWebOptions extends FetchLimits {
  /** `https://t.me` by default; the sandbox's web server in the demo. */
  readonly baseUrl?: string
}

/** What to read: the posts behind `after`, or only the newest page when there is no cursor yet. */
export interface TelegramWebRequest {
  /** Username, with or without `@`. */
  readonly channel: string
  /** Id of the last message known. */
  readonly after?: number
  /** Pages to go back at most; 20 by default. */
  readonly maxPages?: number
}

/** Posts oldest first. */
export interface TelegramWebHistory {
  readonly title: string
  readonly posts: ReadonlyArray<TelegramWebPost>
  /** True when `maxPages` ended the way back before the cursor was reached: posts in between are missing. */
  readonly gap: boolean
}

const fail = (reason: FeedsErrorReason) => Effect.fail(new FeedsError({ reason }))

/** Readers of public channel pages. */
export class TelegramWeb extends Context.Service<
  TelegramWeb,
  {
    /** Reads the posts of a channel behind a cursor. Fails with {@link FeedsError}; `SourceGone` when there is no public page. */
    readonly history: (request: TelegramWebRequest) => Effect.Effect<TelegramWebHistory, FeedsError>
  }
>()("postroom/services/feeds/TelegramWeb") {
  /** The service over guarded HTTP. */
  static readonly layer = (options: TelegramWebOptions = {}): Layer.Layer<TelegramWeb, never, SafeFetch> =>
    Layer.effect(
      TelegramWeb,
      Effect.map(SafeFetch, (web) => TelegramWeb.of(makeTelegramWeb(web, options)))
    )
}

const makeTelegramWeb = (web: SafeFetch["Service"], options: TelegramWebOptions): TelegramWeb["Service"] => {
  const base = (options.baseUrl ?? "https://t.me").replace(/\/$/, "")

  const page = Effect.fnUntraced(function* (channel: string, before: number | undefined) {
    const url = `${base}/s/${channel}${before === undefined ? "" : `?before=${before}`}`
    const response = yield* fetchSource(web, url, {
      ...options,
      headers: { accept: "text/html", "accept-language": "en" }
    })
    // A channel without a preview redirects from /s/name to /name.
    if (!new URL(response.url).pathname.startsWith(`${new URL(base).pathname.replace(/\/$/, "")}/s/`))
      return yield* fail(new SourceGone({ url, detail: "the channel has no public page" }))
    const html = decodeBytes(response.bytes, response.headers["content-type"])
    // A page nested beyond reason overflows the parser's stack; it is no channel's page then.
    const parsed = yield* Effect.try({ try: () => parseTelegramPage(html, response.url), catch: () => undefined }).pipe(
      Effect.catch(() => Effect.succeed(undefined))
    )
    return parsed ?? (yield* fail(new NotAFeed({ url, detail: "not the page of a channel" })))
  })

  return {
    history: Effect.fn("TelegramWeb.history")(function* ({ channel, after, maxPages = 20 }) {
      const name = channel.replace(/^@/, "")
      if (!/^\w{4,32}$/.test(name))
        return yield* fail(
          new SourceGone({ url: `${base}/s/${encodeURIComponent(name)}`, detail: "not a channel's username" })
        )
      const known = new Map<number, TelegramWebPost>()
      const first: TelegramPage = yield* page(name, undefined)
      let current = first
      let pages = 1
      for (;;) {
        const size = known.size
        for (const post of current.posts) known.set(post.id, post)
        const oldest = current.posts[0]?.messageIds[0] ?? 0
        // Nothing new on a page means that the server ignores `before`: go no further.
        const done = after === undefined || current.before === undefined || oldest <= after + 1 || known.size === size
        if (done || pages >= maxPages) {
          const posts = [...known.values()].sort((a, b) => a.id - b.id)
          return {
            title: first.title,
            posts: after === undefined ? posts : posts.filter((post) => post.id > after),
            gap: !done
          }
        }
        current = yield* page(name, current.before)
        pages++
      }
    })
  }
}
