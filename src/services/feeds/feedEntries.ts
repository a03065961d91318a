/**
 * Brings the four feed formats to one shape. Entries that say nothing (no id, address or text) are
 * left out; everything else is taken as forgivingly as readers of feeds have always done.
 */
import { createHash } from "node:crypto"
import { Result } from "effect"
import { parseFeed } from "feedsmith"
import type { FeedEntry, FeedMedia } from "./Feeds.ts"
import { htmlImages, htmlText } from "./htmlText.ts"

/** A feed as read. */
export interface ParsedFeed {
  readonly title: string
  readonly entries: ReadonlyArray<FeedEntry>
}

type AnyFeed = ReturnType<typeof parseFeed>
type FeedOf<Format extends AnyFeed["format"]> = Extract<AnyFeed, { format: Format }>["feed"]
type ItemOf<List> = NonNullable<List> extends ReadonlyArray<infer Item> ? Item : never

interface Draft {
  readonly id: string | undefined
  readonly url: string | undefined
  readonly title: string | undefined
  readonly html: string | undefined
  readonly date: string | undefined
  readonly media: ReadonlyArray<{ readonly url: string | undefined; readonly type?: string | undefined }>
}

const kindOf = (url: string, type: string | undefined): FeedMedia["kind"] => {
  const named = /^(image|video|audio)\b/.exec(type ?? "")?.[1] as FeedMedia["kind"] | undefined
  if (named !== undefined) return named
  const extension = /\.(\w+)(?:[?#]|$)/.exec(url)?.[1]?.toLowerCase() ?? ""
  if (/^(?:jpe?g|png|gif|webp|avif)$/.test(extension)) return "image"
  if (/^(?:mp4|webm|mov|m4v)$/.test(extension)) return "video"
  return /^(?:mp3|m4a|ogg|opus)$/.test(extension) ? "audio" : "other"
}

const finish = (draft: Draft, base: string): FeedEntry | undefined => {
  const resolve = (url: string | undefined): string | undefined => {
    const parsed = url === undefined ? null : URL.parse(url.trim(), base)
    return parsed !== null && /^https?:$/.test(parsed.protocol) ? parsed.href : undefined
  }
  const html = draft.html ?? ""
  const home = resolve(draft.url) ?? base
  const { text, entities } = htmlText(html, home)
  const title = htmlText(draft.title ?? "").text.replace(/\s+/g, " ")
  const url = resolve(draft.url)
  if (text === "" && title === "" && url === undefined) return undefined
  const media = new Map<string, FeedMedia>()
  for (const file of [...draft.media, ...htmlImages(html, home).map((url) => ({ url, type: "image" }))]) {
    const address = resolve(file.url)
    if (address !== undefined && !media.has(address))
      media.set(address, { url: address, kind: kindOf(address, file.type) })
  }
  const millis = draft.date === undefined ? Number.NaN : Date.parse(draft.date.trim())
  return {
    id: draft.id?.trim() || url || createHash("sha256").update(`${title}\n${text}`).digest("hex"),
    url,
    title,
    text,
    entities,
    publishedAt: Number.isNaN(millis) ? undefined : millis,
    media: [...media.values()]
  }
}

type MediaNamespace = ItemOf<FeedOf<"rss">["items"]>["media"]

const fromMediaNamespace = (media: MediaNamespace): Draft["media"] => {
  const contents = [...(media?.contents ?? []), ...(media?.groups ?? []).flatMap((group) => group.contents ?? [])]
  if (contents.length > 0)
    return contents.map(({ url, type, medium }) => ({ url: url as string | undefined, type: type ?? medium }))
  return (media?.thumbnails ?? []).map(({ url }) => ({ url: url as string | undefined, type: "image" }))
}

const fromRss = (item: ItemOf<FeedOf<"rss">["items"]>): Draft => ({
  id: item.guid?.value as string | undefined,
  url: item.link ?? (item.guid?.isPermaLink === false ? undefined : (item.guid?.value as string | undefined)),
  title: item.title,
  html: item.content?.encoded ?? item.description,
  date: (item.pubDate ?? item.dc?.dates?.[0]) as string | undefined,
  media: [
    ...(item.enclosures ?? []).map(({ url, type }) => ({
      url: url as string | undefined,
      type: type as string | undefined
    })),
    ...fromMediaNamespace(item.media)
  ]
})

const fromRdf = (item: ItemOf<FeedOf<"rdf">["items"]>): Draft => ({
  id: item.rdf?.about ?? (item.link as string | undefined),
  url: item.link as string | undefined,
  title: item.title as string | undefined,
  html: item.content?.encoded ?? item.description,
  date: item.dc?.dates?.[0] as string | undefined,
  media: fromMediaNamespace(item.media)
})

const escapeHtml = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("\n", "<br>")

/** Atom says of each text whether it is HTML; without a type it is plain (RFC 4287 §3.1.1). */
const atomHtml = (text: { readonly value?: string; readonly type?: string } | undefined): string | undefined =>
  text?.value === undefined ? undefined : /html|xml/i.test(text.type ?? "") ? text.value : escapeHtml(text.value)

const fromAtom = (entry: ItemOf<FeedOf<"atom">["entries"]>): Draft => {
  const links = entry.links ?? []
  return {
    id: entry.id as string | undefined,
    url: links.find(({ rel }) => rel === undefined || rel === "alternate")?.href as string | undefined,
    title: atomHtml(entry.title as { value: string; type?: string } | undefined),
    html: atomHtml(entry.content) ?? atomHtml(entry.summary),
    date: (entry.published ?? entry.updated) as string | undefined,
    media: [
      ...links
        .filter(({ rel }) => rel === "enclosure")
        .map(({ href, type }) => ({ url: href as string | undefined, type })),
      ...fromMediaNamespace(entry.media)
    ]
  }
}

const fromJson = (item: ItemOf<FeedOf<"json">["items"]>): Draft => ({
  id: item.id as string | undefined,
  url: item.url ?? item.external_url,
  title: item.title === undefined ? undefined : escapeHtml(item.title),
  html:
    item.content_html ?? (item.content_text === undefined ? undefined : escapeHtml(item.content_text)) ?? item.summary,
  date: (item.date_published ?? item.date_modified) as string | undefined,
  media: [
    ...[item.image, item.banner_image].filter((url) => url !== undefined).map((url) => ({ url, type: "image" })),
    ...(item.attachments ?? []).map(({ url, mime_type: type }) => ({
      url: url as string | undefined,
      type: type as string | undefined
    }))
  ]
})

const draftsOf = (
  parsed: AnyFeed
): { readonly title: string; readonly base: string | undefined; readonly drafts: ReadonlyArray<Draft> } => {
  switch (parsed.format) {
    case "rss":
      return { title: parsed.feed.title ?? "", base: parsed.feed.link, drafts: (parsed.feed.items ?? []).map(fromRss) }
    case "rdf":
      return {
        title: (parsed.feed.title as string | undefined) ?? "",
        base: parsed.feed.link as string | undefined,
        drafts: (parsed.feed.items ?? []).map(fromRdf)
      }
    case "atom":
      return {
        title: atomHtml(parsed.feed.title as { value: string; type?: string } | undefined) ?? "",
        base: parsed.feed.xml?.base,
        drafts: (parsed.feed.entries ?? []).map(fromAtom)
      }
    case "json":
      return {
        title: parsed.feed.title ?? "",
        base: parsed.feed.home_page_url,
        drafts: (parsed.feed.items ?? []).map(fromJson)
      }
  }
}

/** Reads a feed's document; `url` is where it was found, for relative links. The failure says why it is no feed. */
export const parseFeedDocument = (document: string, url: string): Result.Result<ParsedFeed, string> =>
  Result.try({
    try: () => {
      const trimmed = document.trimStart()
      const { title, base, drafts } = draftsOf(parseFeed(trimmed.startsWith("{") ? JSON.parse(trimmed) : trimmed))
      const home = (base === undefined ? null : URL.parse(base, url))?.href ?? url
      const entries = drafts.map((draft) => finish(draft, home)).filter((entry) => entry !== undefined)
      return { title: htmlText(title).text, entries }
    },
    catch: (cause) => (cause instanceof Error ? cause.message : String(cause))
  })
