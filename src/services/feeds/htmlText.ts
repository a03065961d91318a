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

/**
 * Collects text the way a browser lays it out: runs of white space become one space, blocks get lines
 * of their own, and never more than one empty line. Keeps pieces and counts, because looking at the
 * end of one growing string would cost its whole length for every element.
 */
const makeLayout = () => {
  const pieces: Array<string> = []
  let length = 0
  let newlines = 0
  let owed = false
  const put = (piece: string) => {
    pieces.push(piece)
    length += piece.length
    newlines = /^\n+$/.test(piece) ? newlines + piece.length : (/\n*$/.exec(piece.slice(-3))?.[0].length ?? 0)
  }
  /** A space that is owed goes before what follows, unless that starts a line or follows a space. */
  const settle = () => {
    if (owed && length > 0 && newlines === 0 && pieces.at(-1)?.endsWith(" ") === false) put(" ")
    owed = false
  }
  const dropSpaces = () => {
    while (pieces.at(-1) === " ") {
      pieces.pop()
      length--
    }
    owed = false
  }
  return {
    length: () => length,
    text: () => pieces.join(""),
    settle,
    inline: (value: string) => {
      for (const part of value.split(/([ \t\n\r\f]+)/)) {
        if (/^[ \t\n\r\f]/.test(part)) owed = true
        else if (part !== "") {
          settle()
          put(part)
        }
      }
    },
    verbatim: (value: string) => {
      owed = false
      if (value !== "") put(length === 0 ? value.trimStart() : value)
    },
    /** Ends the line and leaves `empty` (0 or 1) empty lines, unless they are there already. */
    line: (empty: 0 | 1) => {
      dropSpaces()
      if (length > 0 && newlines <= empty) put("\n".repeat(empty + 1 - newlines))
    },
    break: () => {
      dropSpaces()
      if (length > 0 && newlines < 2) put("\n")
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
    if (name === "br") return layout.break()
    const gap = paragraphs.has(name) ? 1 : 0
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
  const text = layout.text().trimEnd()
  return { text, entities: clipEntities(text, entities) }
}

/** The absolute addresses of the pictures in an HTML fragment, in their order. */
export const htmlImages = (html: string, base?: string): ReadonlyArray<string> => {
  if (!/<img/i.test(html)) return []
  const $ = load(html, null, false)
  return $("img[src]")
    .toArray()
    .map((image) => absolute($(image).attr("src"), base))
    .filter((url) => url !== undefined)
}
