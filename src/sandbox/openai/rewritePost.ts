/**
 * The sandbox model's editor: a shorter post with a title, tags and a picture idea, in the language
 * of the source and made only of what the source says. Deterministic, so a repeated request gives
 * the same answer.
 */
import type { ModelLanguage, Phrasebook } from "./phrasebook.ts"
import { languageOf, phrasebooks } from "./phrasebook.ts"

/** A rewritten post. */
export interface Rewriting {
  readonly language: ModelLanguage
  readonly title: string
  readonly text: string
  readonly tags: ReadonlyArray<string>
  readonly imagePrompt: string
  readonly altText: string
}

const footer =
  /^(?:[^\p{L}\p{N}]*)(?:subscribe|follow us|read more|подпис|читать|источник|síguenos|suscríbete|folgt|abonnier)/iu

const lettersOf = (text: string): ReadonlyArray<string> => text.match(/\p{L}[\p{L}\p{M}-]*/gu) ?? []

/** Lines that carry the story: no footers, no bare hashtags or mentions, no bullets and emoji in front. */
const storyLines = (source: string): ReadonlyArray<string> =>
  source
    .split(/\n+/)
    .map((line) =>
      line.replace(/^(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\u{200d}|\u{fe0f}|[\s•·—–*-])+/u, "").trim()
    )
    .map((line) => line.replace(/(?:\s*[#@][\p{L}\p{N}_]+)+\s*$/u, ""))
    .filter((line) => line !== "" && !footer.test(line))

const sentencesOf = (lines: ReadonlyArray<string>, language: ModelLanguage): ReadonlyArray<string> => {
  const segmenter = new Intl.Segmenter(language, { granularity: "sentence" })
  return lines.flatMap((line) =>
    [...segmenter.segment(line)].map(({ segment }) => segment.trim()).filter((s) => s !== "")
  )
}

const topicsOf = (text: string, book: Phrasebook): ReadonlyArray<string> => {
  const counts = new Map<string, number>()
  for (const word of lettersOf(text.replace(/https?:\S+|t\.me\/\S+|[@#]\S+/g, " ")).map((w) => w.toLowerCase()))
    if (word.length >= 5 && !book.common.has(word)) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts]
    .sort(([a, m], [b, n]) => n * Math.sqrt(b.length) - m * Math.sqrt(a.length) || a.localeCompare(b))
    .map(([word]) => word)
}

const matchCase = (like: string, word: string) =>
  /^\p{Lu}/u.test(like) ? word.charAt(0).toUpperCase() + word.slice(1) : word

const sayDifferently = (sentence: string, book: Phrasebook): string =>
  /https?:|t\.me\//.test(sentence)
    ? sentence
    : sentence.replace(/\p{L}[\p{L}\p{M}]*/gu, (word) => {
        const other = book.swaps.get(word.toLowerCase())
        return other === undefined ? word : matchCase(word, other)
      })

/** The most telling sentences in their own order: topics weigh, the lead and figures weigh more. */
const digest = (
  sentences: ReadonlyArray<string>,
  topics: ReadonlyArray<string>,
  limit: number
): ReadonlyArray<string> => {
  const weight = new Map(topics.slice(0, 12).map((topic, i) => [topic, 12 - i]))
  const scored = sentences.map((sentence, i) => {
    const words = lettersOf(sentence).map((w) => w.toLowerCase())
    const sum = words.reduce((total, word) => total + (weight.get(word) ?? 0), 0)
    return { i, score: sum / Math.sqrt(words.length + 1) + (i === 0 ? 100 : 0) + (/\d/.test(sentence) ? 3 : 0) }
  })
  const kept: Array<number> = []
  let length = 0
  const most = Math.min(7, Math.max(2, Math.ceil(sentences.length * 0.6)))
  for (const { i } of scored.sort((a, b) => b.score - a.score || a.i - b.i)) {
    const size = sentences[i]?.length ?? 0
    if (kept.length >= most || (kept.length > 0 && length + size > limit)) continue
    kept.push(i)
    length += size + 3
  }
  return kept.sort((a, b) => a - b).map((i) => sentences[i] ?? "")
}

/** Cuts at a word boundary, without dangling punctuation; an ellipsis only when something was cut. */
export const clip = (text: string, limit: number): string => {
  if (text.length <= limit) return text
  const cut = text.slice(0, Math.max(0, limit - 1))
  const space = cut.lastIndexOf(" ")
  return `${(space > limit * 0.5 ? cut.slice(0, space) : cut).replace(/[\p{P}\s]+$/u, "")}…`
}

const titleOf = (lead: string, book: Phrasebook, limit: number): string => {
  const clause = lead.split(/[,;:—–(«“„]|\s-\s/u)[0]?.trim() ?? lead
  const base = clause.length >= 18 ? clause : lead
  const title = clip(sayDifferently(base, book), Math.min(limit, 70)).replace(/[.!?…\s]+$/u, "")
  return title.charAt(0).toUpperCase() + title.slice(1)
}

const compose = (sentences: ReadonlyArray<string>, book: Phrasebook): string => {
  const [lead = "", ...rest] = sentences.map((sentence) => sayDifferently(sentence, book))
  if (rest.length === 0) return lead
  if (rest.length === 1) return `${lead}\n\n${rest[0]}`
  return `${lead}\n\n${book.details}\n${rest.map((sentence) => `• ${sentence}`).join("\n")}`
}

/** Rewrites a post to at most `limit` UTF-16 units of text. Adds no link, name or figure that the source has not. */
export const rewritePost = (source: string, limit = 900, titleLimit = 70): Rewriting => {
  const language = languageOf(source)
  const book = phrasebooks[language]
  const all = [...new Set(sentencesOf(storyLines(source), language))]
  const heading = all[0]
  const body = all.length > 2 && heading !== undefined && !/[.!?…]$/u.test(heading) ? all.slice(1) : all
  const topics = topicsOf(source, book)
  const lead = body[0] ?? source.trim()
  const title = titleOf(lead === "" ? "…" : lead, book, titleLimit)
  const chosen = digest(body, topics, Math.min(limit, Math.max(240, source.length * 0.75)) - 40)
  const tags = topics.slice(0, 4).map((topic) => topic.replaceAll("-", ""))
  return {
    language,
    title,
    text: clip(compose(chosen, book), limit),
    tags,
    imagePrompt: `Editorial illustration, soft evening light, no lettering: ${clip(title, 120)}. Motifs: ${topics.slice(0, 5).join(", ")}.`,
    altText: book.picture(title)
  }
}
