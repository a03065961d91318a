import { assert, describe, it } from "@effect/vitest"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect, Layer } from "effect"
import { Feeds } from "../../src/services/feeds/Feeds.ts"
import { layerHttpFeeds } from "../../src/services/feeds/HttpFeeds.ts"
import { SafeFetch } from "../../src/services/web/SafeFetch.ts"

const html = '<p>The <b>boat</b> is back, <a href="https://h.example/boat">see here</a>.</p>'
const escaped = html.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

/** The same two entries in every format. */
const documents: ReadonlyArray<readonly [string, string, string]> = [
  [
    "RSS 2.0",
    "application/rss+xml",
    `<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Harbour &amp; Co</title><link>https://h.example/</link><description>d</description>
    <item><title>Boat</title><guid isPermaLink="false">b-1</guid><link>https://h.example/1</link><pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate><description>short</description><content:encoded>${escaped}</content:encoded><enclosure url="https://h.example/b.jpg" type="image/jpeg" length="5"/></item>
    <item><title>Fog</title><guid isPermaLink="false">b-2</guid><link>https://h.example/2</link><description>Thick</description></item></channel></rss>`
  ],
  [
    "Atom 1.0",
    "application/atom+xml",
    `<feed xmlns="http://www.w3.org/2005/Atom"><title>Harbour &amp; Co</title><id>f</id><updated>2026-11-20T10:00:00Z</updated>
    <entry><id>b-1</id><title>Boat</title><link href="https://h.example/1"/><link rel="enclosure" type="image/jpeg" href="https://h.example/b.jpg"/><updated>2026-11-20T10:00:00Z</updated><content type="html">${escaped}</content></entry>
    <entry><id>b-2</id><title>Fog</title><link href="https://h.example/2"/><summary>Thick</summary></entry></feed>`
  ],
  [
    "RSS 1.0",
    "application/rdf+xml",
    `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/"><channel rdf:about="https://h.example/"><title>Harbour &amp; Co</title><link>https://h.example/</link><description>d</description></channel>
    <item rdf:about="b-1"><title>Boat</title><link>https://h.example/1</link><content:encoded>${escaped}</content:encoded><dc:date>2026-11-20T10:00:00Z</dc:date><media:content url="https://h.example/b.jpg" type="image/jpeg"/></item>
    <item rdf:about="b-2"><title>Fog</title><link>https://h.example/2</link><description>Thick</description></item></rdf:RDF>`
  ],
  [
    "JSON Feed 1.1",
    "application/feed+json",
    JSON.stringify({
      version: "https://jsonfeed.org/version/1.1",
      title: "Harbour & Co",
      items: [
        {
          id: "b-1",
          url: "https://h.example/1",
          title: "Boat",
          content_html: html,
          date_published: "2026-11-20T10:00:00Z",
          image: "https://h.example/b.jpg"
        },
        { id: "b-2", url: "https://h.example/2", title: "Fog", content_text: "Thick" }
      ]
    })
  ]
]

/** A server that answers every GET with one document and honours If-None-Match. */
const serving = (type: string, body: string) =>
  Effect.acquireRelease(
    Effect.callback<string>((resume) => {
      const server = createServer((request, response) => {
        if (request.headers["if-none-match"] === '"v1"') return response.writeHead(304).end()
        return response
          .writeHead(200, { "content-type": type, etag: '"v1"', "last-modified": "Fri, 20 Nov 2026 10:00:00 GMT" })
          .end(body)
      })
      server.listen(0, "127.0.0.1", () => {
        servers.set(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server)
        resume(Effect.succeed(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
      })
    }),
    (url) =>
      Effect.sync(() => {
        servers.get(url)?.close()
        servers.get(url)?.closeAllConnections()
      })
  )
const servers = new Map<string, ReturnType<typeof createServer>>()

const layer = layerHttpFeeds().pipe(Layer.provide(SafeFetch.layer({ allowPrivate: true })))

describe.each(documents)("Feeds over %s", (_format, type, body) => {
  it.live("reads the entries", () =>
    Effect.gen(function* () {
      const url = yield* serving(type, body)
      const answer = yield* Feeds.use((feeds) => feeds.fetch({ url: `${url}/feed` }))
      assert.strictEqual(answer.status, "fetched")
      if (answer.status !== "fetched") return
      assert.strictEqual(answer.title, "Harbour & Co")
      assert.strictEqual(answer.etag, '"v1"')
      assert.strictEqual(answer.lastModified, "Fri, 20 Nov 2026 10:00:00 GMT")
      const [boat, fog] = answer.entries
      assert.deepInclude(boat, {
        id: "b-1",
        url: "https://h.example/1",
        title: "Boat",
        text: "The boat is back, see here.",
        publishedAt: Date.parse("2026-11-20T10:00:00Z"),
        media: [{ url: "https://h.example/b.jpg", kind: "image" as const }]
      })
      assert.deepStrictEqual(boat?.entities, [
        { type: "bold", offset: 4, length: 4 },
        { type: "text_url", url: "https://h.example/boat", offset: 18, length: 8 }
      ])
      assert.deepInclude(fog, { id: "b-2", text: "Thick", publishedAt: undefined, media: [] })
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.live("an unchanged feed is not read again", () =>
    Effect.gen(function* () {
      const url = yield* serving(type, body)
      const answer = yield* Feeds.use((feeds) => feeds.fetch({ url, etag: '"v1"' }))
      assert.deepStrictEqual(answer, { status: "not_modified" })
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})
