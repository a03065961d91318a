/**
 * Turns the markup in which demo posts are written (`[b]…[/b]`, `[i]`, `[u]`, `[s]`, `[spoiler]`,
 * `[code]`, `[quote]`, `[a=url]…[/a]`) into plain text with entities, and finds links, hashtags and
 * mentions as a Telegram client does when a post is sent.
 */
import type { FormattedText, TextEntity, TextEntityType } from "../../services/telegram/TextEntity.ts"

const tags: Readonly<Record<string, TextEntityType>> = {
  b: "bold",
  i: "italic",
  u: "underline",
  s: "strike",
  spoiler: "spoiler",
  code: "code",
  quote: "blockquote",
  a: "text_url"
}

const detected: ReadonlyArray<readonly [TextEntityType, RegExp]> = [
  ["url", /(?:https?:\/\/|(?<![\w/.@])t\.me\/)[^\s<>()"»”]*[\p{L}\p{N}/_+-]/gu],
  ["hashtag", /(?<![\p{L}\p{N}_&/])#[\p{L}\p{N}_]*\p{L}[\p{L}\p{N}_]*/gu],
  ["mention", /(?<![\p{L}\p{N}_/.])@[A-Za-z]\w{4,31}/gu]
]

const overlaps = (a: TextEntity, b: TextEntity) => a.offset < b.offset + b.length && b.offset < a.offset + a.length

/** Plain text and entities; offsets are UTF-16 units. Unknown tags stay as text. */
export const formatMarkup = (markup: string): FormattedText => {
  const open: Array<{ readonly tag: string; readonly offset: number; readonly url: string | undefined }> = []
  const entities: Array<TextEntity> = []
  let text = ""
  let at = 0
  for (const match of markup.matchAll(/\[(\/?)(b|i|u|s|spoiler|code|quote|a)(?:=([^\]]+))?\]/g)) {
    text += markup.slice(at, match.index)
    at = match.index + match[0].length
    const tag = match[2] ?? ""
    if (match[1] === "") open.push({ tag, offset: text.length, url: match[3] })
    else {
      const start = open.pop()
      const type = tags[tag]
      if (start !== undefined && type !== undefined && text.length > start.offset)
        entities.push({
          type,
          offset: start.offset,
          length: text.length - start.offset,
          ...(start.url !== undefined && { url: start.url })
        })
    }
  }
  text += markup.slice(at)
  const taken = [...entities].filter((entity) => entity.type === "text_url" || entity.type === "code")
  for (const [type, pattern] of detected)
    for (const match of text.matchAll(pattern)) {
      const entity: TextEntity = { type, offset: match.index, length: match[0].length }
      if (taken.some((other) => overlaps(other, entity))) continue
      entities.push(entity)
      taken.push(entity)
    }
  return { text, entities: entities.sort((a, b) => a.offset - b.offset || b.length - a.length) }
}
