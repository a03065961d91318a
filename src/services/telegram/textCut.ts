/**
 * Cutting a formatted text to a limit without breaking it: never inside a character people see as one, never with
 * an entity that hangs over the end or means something else when shortened.
 */
import type { FormattedText, TextEntity, TextEntityType } from "./TextEntity.ts"

const ellipsis = "\u2026"
const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" })

/** Kinds whose meaning is their whole text: half a link or half an emoji is not one. */
const indivisible: ReadonlySet<TextEntityType> = new Set([
  "text_url",
  "url",
  "email",
  "phone",
  "mention",
  "text_mention",
  "custom_emoji",
  "hashtag",
  "cashtag",
  "bot_command",
  "bank_card"
])

/** The last grapheme boundary of `text` at or before `at` (UTF-16 units). */
export const graphemeBoundary = (text: string, at: number): number => {
  if (at >= text.length) return text.length
  if (at <= 0) return 0
  return segmenter.segment(text).containing(at)?.index ?? at
}

/** Where to cut before `end`: after a sentence, else a line, else a word, within the last 15 % of the text; else at `end`. */
const pleasantEnd = (text: string, end: number): number => {
  const from = Math.floor(end * 0.85)
  const tail = text.slice(from, end)
  for (const pattern of [/[.!?\u3002](?=\s)/g, /\n/g, /\s/g]) {
    const last = [...tail.matchAll(pattern)].at(-1)
    if (last !== undefined) return from + last.index + (pattern.source.startsWith("[") ? 1 : 0)
  }
  return end
}

/**
 * Entities of a text cut at `end`: overhanging ones are shortened, indivisible ones that overhang are dropped, none
 * is empty and none ends in white space (Telegram would trim it and refuse the bounds).
 */
export const clipEntities = (text: string, entities: ReadonlyArray<TextEntity>, end: number): Array<TextEntity> =>
  entities.flatMap((entity) => {
    const overhangs = entity.offset + entity.length > end
    if (overhangs && indivisible.has(entity.type)) return []
    const stop = Math.min(entity.offset + entity.length, end)
    const length = text.slice(entity.offset, stop).trimEnd().length
    return length <= 0 ? [] : [{ ...entity, length }]
  })

/**
 * The text cut to at most `limit` UTF-16 units, with its entities clipped. A text within the limit comes back as it
 * is; a longer one ends with an ellipsis, at a sentence, line or word when one ends near the limit.
 */
export const cutText = (formatted: FormattedText, limit: number): FormattedText => {
  const { text, entities } = formatted
  if (text.length <= limit) return formatted
  if (limit <= 0) return { text: "", entities: [] }
  const room = graphemeBoundary(text, limit - ellipsis.length)
  const end = graphemeBoundary(text, pleasantEnd(text, room))
  const kept = text.slice(0, end).trimEnd()
  return { text: kept + ellipsis, entities: clipEntities(text, entities, kept.length) }
}
