/** Plain text with entities as HTML, as Telegram's web pages write it. */
import type { FormattedText, TextEntity } from "../../services/telegram/TextEntity.ts"

const escape = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

const link = (href: string): readonly [string, string] => [
  `<a href="${escape(href)}" target="_blank" rel="noopener">`,
  "</a>"
]

const tags = (entity: TextEntity, inner: string): readonly [string, string] => {
  switch (entity.type) {
    case "bold":
      return ["<b>", "</b>"]
    case "italic":
      return ["<i>", "</i>"]
    case "underline":
      return ["<u>", "</u>"]
    case "strike":
      return ["<s>", "</s>"]
    case "spoiler":
      return ["<tg-spoiler>", "</tg-spoiler>"]
    case "code":
      return ["<code>", "</code>"]
    case "pre":
      return ["<pre>", "</pre>"]
    case "blockquote":
      return ["<blockquote>", "</blockquote>"]
    case "text_url":
      return link(entity.url ?? "")
    case "url":
      return link(/^https?:/.test(inner) ? inner : `https://${inner}`)
    case "mention":
      return link(`https://t.me/${inner.slice(1)}`)
    case "hashtag":
      return link(`?q=${encodeURIComponent(inner)}`)
    default:
      return ["", ""]
  }
}

/** The HTML of a text; entities are nested by their extent, line breaks become `<br/>`. */
export const formattedHtml = ({ text, entities }: FormattedText): string => {
  const opens = new Map<number, Array<string>>()
  const closes = new Map<number, Array<string>>()
  for (const entity of entities.toSorted((a, b) => a.offset - b.offset || b.length - a.length)) {
    const end = entity.offset + entity.length
    const [open, close] = tags(entity, text.slice(entity.offset, end))
    opens.set(entity.offset, [...(opens.get(entity.offset) ?? []), open])
    closes.set(end, [close, ...(closes.get(end) ?? [])])
  }
  const cuts = [...new Set([0, ...opens.keys(), ...closes.keys(), text.length])].sort((a, b) => a - b)
  return cuts
    .map((cut, i) => {
      const piece = escape(text.slice(cut, cuts[i + 1] ?? cut)).replaceAll("\n", "<br/>")
      return `${(closes.get(cut) ?? []).join("")}${(opens.get(cut) ?? []).join("")}${piece}`
    })
    .join("")
}
