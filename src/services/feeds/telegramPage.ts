/** Reads the public web page of a Telegram channel (`t.me/s/<channel>`): one page of posts, oldest first. */
import type { CheerioAPI } from "cheerio"
import type { TextEntity } from "../telegram/TextEntity.ts"
import { htmlText } from "./htmlText.ts"
import { loadHtml } from "./loadHtml.ts"

/** A post as the web page shows it. An album is one post with the id of its first message. */
export interface TelegramWebPost {
  readonly id: number
  /** All message ids the post covers, ascending: several for an album. */
  readonly messageIds: ReadonlyArray<number>
  /** Milliseconds since the epoch. */
  readonly date: number
  readonly text: string
  readonly entities: ReadonlyArray<TextEntity>
  /** Addresses of the photos, in their order. */
  readonly photos: ReadonlyArray<string>
  /** Addresses of the videos; the page gives them for short ones only. */
  readonly videos: ReadonlyArray<string>
  readonly forwarded: { readonly title: string; readonly url: string | undefined } | undefined
  readonly edited: boolean
}

/** One page. `before` is the id to ask with for older posts, undefined on the oldest page. */
export interface TelegramPage {
  readonly title: string
  readonly posts: ReadonlyArray<TelegramWebPost>
  readonly before: number | undefined
}

type Selection = ReturnType<CheerioAPI>

const backgroundUrl = (style: string | undefined, base: string): string | undefined => {
  const url = /background-image:\s*url\(\s*['"]?([^'")]+)['"]?\s*\)/.exec(style ?? "")?.[1]
  return url === undefined ? undefined : URL.parse(url, base)?.href
}

const idAtEnd = (text: string | undefined): number | undefined => {
  const id = Number(/\/(\d+)(?:\?[^/]*)?$/.exec(text ?? "")?.[1])
  return Number.isSafeInteger(id) ? id : undefined
}

const readPost = ($: CheerioAPI, message: Selection, base: string): TelegramWebPost | undefined => {
  const id = idAtEnd(message.attr("data-post"))
  const date = Date.parse(message.find(".tgme_widget_message_date time[datetime]").first().attr("datetime") ?? "")
  if (id === undefined || Number.isNaN(date) || message.hasClass("service_message")) return undefined
  const photoLinks = message.find(".tgme_widget_message_photo_wrap").toArray()
  const grouped = message
    .find(".tgme_widget_message_grouped a[href]")
    .toArray()
    .map((link) => idAtEnd($(link).attr("href")))
    .filter((value) => value !== undefined)
  // A reply quotes the post it answers in a text block of its own; the post's text is the last one.
  const body = message.find(".tgme_widget_message_text").not(".tgme_widget_message_reply *").last()
  const origin = message.find(".tgme_widget_message_forwarded_from_name").first()
  return {
    id,
    messageIds: [...new Set([id, ...grouped])].sort((a, b) => a - b),
    date,
    ...htmlText(body.html() ?? "", base),
    photos: photoLinks.map((link) => backgroundUrl($(link).attr("style"), base)).filter((url) => url !== undefined),
    videos: message
      .find("video[src]")
      .toArray()
      .map((video) => URL.parse($(video).attr("src") ?? "", base)?.href)
      .filter((url) => url !== undefined),
    forwarded: origin.length === 0 ? undefined : { title: origin.text().trim(), url: origin.attr("href") },
    edited: /\bedited\b/.test(message.find(".tgme_widget_message_meta").text())
  }
}

/** The page of `html` fetched from `base`; undefined when it is not the page of a channel. */
export const parseTelegramPage = (html: string, base: string): TelegramPage | undefined => {
  const $ = loadHtml(html)
  const title =
    $(".tgme_channel_info_header_title").first().text().trim() || ($('meta[property="og:title"]').attr("content") ?? "")
  const messages = $(".tgme_widget_message[data-post]").toArray()
  if (messages.length === 0 && $(".tgme_channel_info, .tgme_channel_history").length === 0) return undefined
  const before = Number($(".tme_messages_more[data-before]").first().attr("data-before"))
  const posts = messages.map((message) => readPost($, $(message), base)).filter((post) => post !== undefined)
  return {
    title,
    posts: posts.toSorted((a, b) => a.id - b.id),
    before: Number.isSafeInteger(before) && before > 0 ? before : undefined
  }
}
