/**
 * HTML of posts and feed entries as plain text with entities: no markup survives, links keep their
 * address, paragraphs and list items keep their lines. Scripts, styles and pictures are dropped.
 */
import type { CheerioAPI } from "cheerio"
import type { FormattedText, TextEntity, TextEntityType } from "../telegram/TextEntity.ts"
import { loadHtml } from "./loadHtml.ts"

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
    mark: () => pieces.length,
    since: (mark: number) => pieces.slice(mark).join(""),
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

/** Longer HTML is no post; deeper HTML is no layout. What lies beyond is dropped. */
const maxHtmlLength = 500_000
const maxDepth = 200

interface Surroundings {
  readonly pre: boolean
  /** Inside something whose tags are no formatting. */
  readonly plain: boolean
  readonly depth: number
}

/** What a link is, by what it shows: an address of its own, a hashtag, a mention, or words with an address behind. */
const linkEntity = (shown: string, href: string): Omit<TextEntity, "offset" | "length"> => {
  if (shown === href || `${shown}/` === href) return { type: "url" }
  if (/^[#@]/.test(shown)) return { type: shown.startsWith("#") ? "hashtag" : "mention" }
  return { type: "text_url", url: href }
}

/** The text and entities of an HTML fragment; relative links are resolved against `base`. */
export const htmlText = (html: string, base?: string): FormattedText => {
  const $ = loadHtml(html.slice(0, maxHtmlLength))
  const layout = makeLayout()
  const entities: Array<TextEntity> = []

  const children = (node: DomNode, around: Surroundings) => {
    for (const child of $(node).contents().toArray()) visit(child, around)
  }

  const spanned = (
    node: DomNode,
    describe: (shown: string) => Omit<TextEntity, "offset" | "length">,
    around: Surroundings
  ) => {
    layout.settle()
    const offset = layout.length()
    const mark = layout.mark()
    children(node, around)
    const length = layout.length() - offset
    if (length > 0) entities.push({ ...describe(layout.since(mark)), offset, length })
  }

  const visit = (node: DomNode, around: Surroundings): void => {
    if (node.type === "text") return around.pre ? layout.verbatim(node.data) : layout.inline(node.data)
    if (node.type !== "tag" || around.depth > maxDepth) return
    const name = node.name.toLowerCase()
    if (skipped.has(name)) return
    if (name === "br") return layout.break()
    const gap = paragraphs.has(name) ? 1 : 0
    if (blocks.has(name)) layout.line(gap)
    if (name === "li") {
      layout.verbatim("•")
      layout.inline(" ")
    }
    // Telegram's web page draws emoji as <i class="emoji"><b>…</b></i>: that is no formatting.
    const emoji = name === "i" && (node.attribs["class"] ?? "").split(" ").includes("emoji")
    const inner = { pre: around.pre || name === "pre", plain: around.plain || emoji, depth: around.depth + 1 }
    const type = inner.plain ? undefined : formats[name]
    const href = name === "a" ? absolute(node.attribs["href"], base) : undefined
    if (href !== undefined) spanned(node, (shown) => linkEntity(shown.trim(), href), inner)
    else if (type !== undefined) spanned(node, () => ({ type }), inner)
    else children(node, inner)
    if (blocks.has(name)) layout.line(gap)
  }

  for (const node of $.root().contents().toArray()) visit(node, { pre: false, plain: false, depth: 0 })
  const text = layout.text().trimEnd()
  return { text, entities: clipEntities(text, entities) }
}

/** The absolute addresses of the pictures in an HTML fragment, in their order. */
export const htmlImages = (html: string, base?: string): ReadonlyArray<string> => {
  if (!/<img/i.test(html)) return []
  const $ = loadHtml(html.slice(0, maxHtmlLength))
  return $("img[src]")
    .toArray()
    .map((image) => absolute($(image).attr("src"), base))
    .filter((url) => url !== undefined)
}
