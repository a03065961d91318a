import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import sharp from "sharp"
import { DemoWeb } from "../../src/sandbox/web/DemoWeb.ts"
import { formatMarkup } from "../../src/sandbox/world/formatMarkup.ts"
import { makeDemoWorld } from "../../src/sandbox/world/DemoWorld.ts"
import { Feeds } from "../../src/services/feeds/Feeds.ts"
import { layerHttpFeeds } from "../../src/services/feeds/HttpFeeds.ts"
import { TelegramWeb } from "../../src/services/feeds/TelegramWeb.ts"
import { SafeFetch } from "../../src/services/web/SafeFetch.ts"

const world = makeDemoWorld(1_795_250_000)

/** The readers over the demo's web server; only its origin is exempt from the guard. */
const services = Layer.unwrap(
  Effect.map(DemoWeb, (web) =>
    Layer.mergeAll(layerHttpFeeds(), TelegramWeb.layer({ baseUrl: web.baseUrl })).pipe(
      Layer.provideMerge(SafeFetch.layer({ allowedOrigins: [web.baseUrl] }))
    )
  )
).pipe(Layer.provideMerge(DemoWeb.layer(world)))

describe("the demo's feeds", () => {
  for (const { feed, entries } of world.feeds)
    it.live(`${feed.format} is read whole, with texts, dates and pictures, and once only`, () =>
      Effect.gen(function* () {
        const web = yield* DemoWeb
        const feeds = yield* Feeds
        const answer = yield* feeds.fetch({ url: web.feedUrl(feed.name) })
        assert.strictEqual(answer.status, "fetched")
        if (answer.status !== "fetched") return
        assert.strictEqual(answer.title, feed.title)
        const expected = entries.toSorted((a, b) => b.date - a.date)
        assert.deepStrictEqual(
          answer.entries.map(({ title, text, publishedAt, media }) => [title, text, publishedAt, media.length]),
          expected.map(({ post, text, date, pictures }) => [post.title ?? "", text, date * 1000, pictures.length])
        )
        const again = yield* feeds.fetch({ url: web.feedUrl(feed.name), etag: answer.etag ?? "" })
        assert.strictEqual(again.status, "not_modified")
      }).pipe(Effect.provide(services))
    )

  it.live("a picture of an entry is a real JPEG", () =>
    Effect.gen(function* () {
      const web = yield* DemoWeb
      const fetcher = yield* SafeFetch
      const picture = world.posts.flatMap(({ pictures }) => pictures)[0]
      const { bytes, headers } = yield* fetcher.get(`${web.baseUrl}/pictures/${picture?.name}`)
      const { format, width, height } = yield* Effect.promise(() => sharp(bytes).metadata())
      assert.deepStrictEqual(
        { format, width, height },
        { format: "jpeg", width: picture?.width ?? 0, height: picture?.height ?? 0 }
      )
      assert.strictEqual(headers["content-type"], "image/jpeg")
    }).pipe(Effect.provide(services))
  )

  it.live("a feed that is not there is gone, a page is no feed", () =>
    Effect.gen(function* () {
      const web = yield* DemoWeb
      const feeds = yield* Feeds
      const gone = yield* Effect.flip(feeds.fetch({ url: web.feedUrl("nothing") }))
      const page = yield* Effect.flip(feeds.fetch({ url: `${web.baseUrl}/s/plainsky_lab` }))
      assert.deepStrictEqual([gone.reason._tag, page.reason._tag], ["SourceGone", "NotAFeed"])
      assert.isFalse(gone.isRetryable)
    }).pipe(Effect.provide(services))
  )
})

describe("a channel's web pages", () => {
  const inChannel = (username: string) =>
    world.posts.filter(({ source }) => source.kind === "telegram" && source.username === username)

  it.live("all posts behind a cursor are read through several pages, oldest first", () =>
    Effect.gen(function* () {
      const channels = yield* TelegramWeb
      for (const channel of [
        "zarechinsk_city",
        "plainsky_lab",
        "zarechye_digest",
        "cocina_de_rosa",
        "nordkurve_news",
        "falkenried_fans"
      ]) {
        const expected = inChannel(channel)
        const { posts, gap } = yield* channels.history({ channel, after: 1 })
        assert.isFalse(gap)
        assert.deepStrictEqual(
          posts.map(({ id, messageIds, text, date, photos, videos }) => ({
            id,
            messageIds,
            text,
            date,
            media: photos.length + videos.length
          })),
          expected.map(({ messageIds, text, date, pictures, post }) => ({
            id: messageIds[0] ?? 0,
            messageIds,
            text,
            date: date * 1000,
            media: pictures.length + (post.media?.kind === "video" ? 1 : 0)
          }))
        )
      }
    }).pipe(Effect.provide(services))
  )

  it.live("formatting survives the way through the page", () =>
    Effect.gen(function* () {
      const channels = yield* TelegramWeb
      const { posts } = yield* channels.history({ channel: "@plainsky_lab", after: 1 })
      const club = posts.find(({ text }) => text.includes("reading club"))
      assert.strictEqual(
        club?.entities.map(({ offset, length }) => club.text.slice(offset, offset + length)).join(),
        "t.me/+Qw8xSky1LabClub"
      )
      const bridge = posts.find(({ text }) => text.startsWith("Moss"))
      assert.deepStrictEqual(bridge?.entities, formatMarkup("[b]Moss that drinks fog[/b]").entities)
    }).pipe(Effect.provide(services))
  )

  it.live("without a cursor only the newest page is read; a cursor at the end gives nothing", () =>
    Effect.gen(function* () {
      const channels = yield* TelegramWeb
      const first = yield* channels.history({ channel: "zarechinsk_city" })
      const last = first.posts.at(-1)?.id ?? 0
      assert.isBelow(first.posts.length, inChannel("zarechinsk_city").length)
      assert.deepStrictEqual((yield* channels.history({ channel: "zarechinsk_city", after: last })).posts, [])
    }).pipe(Effect.provide(services))
  )

  it.live("a way back that is cut short is told as a gap", () =>
    Effect.gen(function* () {
      const channels = yield* TelegramWeb
      assert.isTrue((yield* channels.history({ channel: "zarechinsk_city", after: 1, maxPages: 1 })).gap)
    }).pipe(Effect.provide(services))
  )

  it.live("forwards name their origin, edits are marked, unknown channels are gone", () =>
    Effect.gen(function* () {
      const channels = yield* TelegramWeb
      const { posts } = yield* channels.history({ channel: "zarechye_digest", after: 1 })
      assert.strictEqual(posts[0]?.forwarded?.title, "Заречинск сегодня")
      assert.match(posts[0]?.forwarded?.url ?? "", /^https:\/\/t\.me\/zarechinsk_city\/\d+$/)
      const city = yield* channels.history({ channel: "zarechinsk_city", after: 1 })
      assert.strictEqual(city.posts.filter(({ edited }) => edited).length, 1)
      for (const channel of ["nobody_here", "../feeds", "a"])
        assert.strictEqual((yield* Effect.flip(channels.history({ channel }))).reason._tag, "SourceGone")
    }).pipe(Effect.provide(services))
  )
})
