/** Writes the demo's feeds as RSS 2.0 and Atom 1.0 documents, pictures enclosed. */
import type { DemoFeed } from "../world/DemoPost.ts"
import type { PlacedPost } from "../world/DemoWorld.ts"
import { formattedHtml } from "./formattedHtml.ts"
import { formatMarkup } from "../world/formatMarkup.ts"

const xml = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

const html = ({ post }: PlacedPost) =>
  `<p>${formattedHtml(formatMarkup(post.text)).replaceAll("<br/><br/>", "</p><p>")}</p>`

const pageUrl = (base: string, { post }: PlacedPost) => `${base}/stories/${post.key}`

const rssItem = (base: string, entry: PlacedPost) => `
<item>
<title>${xml(entry.post.title ?? "")}</title>
<link>${xml(pageUrl(base, entry))}</link>
<guid isPermaLink="false">${xml(entry.post.key)}</guid>
<pubDate>${new Date(entry.date * 1000).toUTCString()}</pubDate>
<description>${xml(entry.text.slice(0, 140))}…</description>
<content:encoded><![CDATA[${html(entry)}]]></content:encoded>${entry.pictures
  .map(
    (picture) => `
<enclosure url="${xml(`${base}/pictures/${picture.name}`)}" type="image/jpeg" length="0"/>`
  )
  .join("")}
</item>`

const rss = (
  feed: DemoFeed,
  entries: ReadonlyArray<PlacedPost>,
  base: string
) => `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:atom="http://www.w3.org/2005/Atom">
<channel>
<title>${xml(feed.title)}</title>
<link>${xml(base)}/</link>
<description>${xml(feed.title)}</description>
<language>${feed.language}</language>
<atom:link href="${xml(`${base}/feeds/${feed.name}.xml`)}" rel="self" type="application/rss+xml"/>${entries.map((entry) => rssItem(base, entry)).join("")}
</channel>
</rss>
`

const atomEntry = (base: string, entry: PlacedPost) => {
  const at = new Date(entry.date * 1000).toISOString()
  return `
<entry>
<id>tag:demo.example,2026:${xml(entry.post.key)}</id>
<title>${xml(entry.post.title ?? "")}</title>
<link rel="alternate" href="${xml(pageUrl(base, entry))}"/>${entry.pictures
    .map(
      (picture) => `
<link rel="enclosure" type="image/jpeg" href="${xml(`${base}/pictures/${picture.name}`)}"/>`
    )
    .join("")}
<published>${at}</published>
<updated>${at}</updated>
<content type="html">${xml(html(entry))}</content>
</entry>`
}

const atom = (
  feed: DemoFeed,
  entries: ReadonlyArray<PlacedPost>,
  base: string
) => `<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="${feed.language}">
<id>tag:demo.example,2026:${xml(feed.name)}</id>
<title>${xml(feed.title)}</title>
<author><name>${xml(feed.title)}</name></author>
<link rel="self" href="${xml(`${base}/feeds/${feed.name}.xml`)}"/>
<updated>${new Date((entries.at(-1)?.date ?? 0) * 1000).toISOString()}</updated>${entries.map((entry) => atomEntry(base, entry)).join("")}
</feed>
`

/** The feed's document, newest entry first. `base` is the origin of the server that serves it. */
export const feedXml = (feed: DemoFeed, entries: ReadonlyArray<PlacedPost>, base: string): string => {
  const newest = entries.toSorted((a, b) => b.date - a.date)
  return feed.format === "rss" ? rss(feed, newest, base) : atom(feed, newest, base)
}
