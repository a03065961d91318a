/**
 * HTML of posts and feed entries as plain text with entities: no markup survives, links keep their
 * address, paragraphs and list items keep their lines. Scripts, styles and pictures are dropped.
 */
import { load } from "cheerio"
import type { CheerioAPI } from "cheerio"
import type { FormattedText, TextEntity, TextEntityType } from "../telegram/TextEntity.ts"

type DomNode = ReturnType<ReturnType<CheerioAPI>["contents"]>[number]

const blocks = new Set(
  "address article aside blockquote body dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section table tr ul".split(
    " "
  )
)
const paragraphs = new Set("p h1 h2 h3 h4 h5 h6 blockquote ul ol pre table figure".split(" "))
const skipped = new Set("script style template noscript head title iframe svg math object".split(" "))
const formats: Readonly<Record<string, TextEntityType>> = {
  b: "bold",
  strong: "bold",
  i: "italic",
  em: "italic",
  u: "underline",
  ins: "underline",
  s: "strike",
  del: "strike",
  strike: "strike",
  code: "code",
  pre: "pre",
  blockquote: "blockquote",
  "tg-spoiler": "spoiler"
}

/** Collects text the way a browser lays it out: runs of white space become one space, blocks get lines of their own. */
const makeLayout = () => {
  let text = ""
  let space = false
  return {
    length: () => text.length,
    text: () => text,
    inline: (value: string) => {
      for (const part of value.split(/([ \t\n\r\f]+)/)) {
        if (part === "") continue
        if (/^[ \t\n\r\f]/.test(part)) space = true
        else {
          if (space && text !== "" && !/[ \n]$/.test(text)) text += " "
          space = false
          text += part
        }
      }
    },
    verbatim: (value: string) => {
      text += text === "" ? value.trimStart() : value
      space = false
    },
    /** Spaces still owed belong before what follows, not inside it. */
    settle: () => {
      if (space && text !== "" && !/[ \n]$/.test(text)) text += " "
      space = false
    },
    line: (count: number) => {
      space = false
      const trimmed = text.replace(/[ \t]+$/, "")
      const have = /\n*$/.exec(trimmed)?.[0].length ?? 0
      if (trimmed !== "") text = trimmed + "\n".repeat(Math.max(0, count - have))
    }
  }
}

const absolute = (href: string | undefined, base: string | undefined): string | undefined => {
  const url = href === undefined ? null : URL.parse(href.trim(), base)
  return url !== null && ["http:", "https:", "mailto:", "tg:"].includes(url.protocol) ? url.href : undefined
}

const clipEntities = (text: string, entities: ReadonlyArray<TextEntity>): ReadonlyArray<TextEntity> =>
  entities
    .map((entity) => {
      const inside = text.slice(entity.offset, entity.offset + entity.length)
      return Object.assign({}, entity, { length: inside.trimEnd().length })
    })
    .filter((entity) => entity.length > 0)
    .sort((a, b) => a.offset - b.offset || b.length - a.length)

/** The text and entities of an HTML fragment; relative links are resolved against `base`. */
export const htmlText = (html: string, base?: string): FormattedText => {
  const $ = load(html, null, false)
  const layout = makeLayout()
  const entities: Array<TextEntity> = []

  const children = (node: DomNode, pre: boolean) => {
    for (const child of $(node).contents().toArray()) visit(child, pre)
  }

  const spanned = (node: DomNode, entity: Omit<TextEntity, "offset" | "length">, pre: boolean) => {
    layout.settle()
    const offset = layout.length()
    children(node, pre)
    if (layout.length() > offset) entities.push({ ...entity, offset, length: layout.length() - offset })
  }

  const visit = (node: DomNode, pre: boolean): void => {
    if (node.type === "text") return pre ? layout.verbatim(node.data) : layout.inline(node.data)
    if (node.type !== "tag") return
    const name = node.name.toLowerCase()
    if (skipped.has(name)) return
    // Telegram's web page draws emoji as <i class="emoji"><b>…</b></i>: that is no formatting.
    if (name === "i" && (node.attribs["class"] ?? "").split(" ").includes("emoji")) return layout.inline($(node).text())
    if (name === "br") return layout.verbatim("\n")
    const gap = paragraphs.has(name) ? 2 : 1
    if (blocks.has(name)) layout.line(gap)
    if (name === "li") {
      layout.verbatim("•")
      layout.inline(" ")
    }
    const type = formats[name]
    const href = name === "a" ? absolute(node.attribs["href"], base) : undefined
    if (href !== undefined) {
      const shown = $(node).text().trim()
      if (shown === href || `${shown}/` === href) spanned(node, { type: "url" }, pre)
      else if (/^[#@]/.test(shown)) spanned(node, { type: shown.startsWith("#") ? "hashtag" : "mention" }, pre)
      else spanned(node, { type: "text_url", url: href }, pre)
    } else if (type !== undefined) spanned(node, { type }, pre || name === "pre")
    else children(node, pre)
    if (blocks.has(name)) layout.line(gap)
  }

  for (const node of $.root().contents().toArray()) visit(node, false)
  const whole = layout.text().replace(/\n{3,}/g, (run) => run.slice(0, 2) + "\u0000".repeat(run.length - 2))
  // Dropping surplus lines must not move entities: count what was dropped before each offset.
  const dropped = (offset: number) => whole.slice(0, offset).split("\u0000").length - 1
  const text = whole.replaceAll("\u0000", "").trimEnd()
  const moved = entities.map((entity) => {
    const start = entity.offset - dropped(entity.offset)
    const end = entity.offset + entity.length - dropped(entity.offset + entity.length)
    return Object.assign({}, entity, { offset: start, length: Math.min(end, text.length) - start })
  })
  return { text, entities: clipEntities(text, moved) }
}
