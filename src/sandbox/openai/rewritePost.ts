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

/** Lines that carry the story: no footers, numbered questions, bare hashtags or mentions, no bullets and emoji in front. */
const storyLines = (source: string): ReadonlyArray<string> =>
  source
    .split(/\n+/)
    .map((line) =>
      line.replace(/^(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\u{200d}|\u{fe0f}|[\s•·—–*-])+/u, "").trim()
    )
    .map((line) => line.replace(/(?:\s*[#@][\p{L}\p{N}_]+)+\s*$/u, ""))
    .filter((line) => line !== "" && !footer.test(line) && !/^\d{1,2}[.)]\s.*\?$/.test(line))

const link = /(?:https?:\/\/|t\.me\/)\S+/g

/** Sentences of the lines; a link is never cut, whatever punctuation it has. */
const sentencesOf = (lines: ReadonlyArray<string>, language: ModelLanguage): ReadonlyArray<string> => {
  const segmenter = new Intl.Segmenter(language, { granularity: "sentence" })
  return lines.flatMap((line) => {
    const links = line.match(link) ?? []
    // A private-use letter stands for each link while the line is cut.
    const masked = line.replace(link, "\ue000")
    let next = 0
    return [...segmenter.segment(masked)]
      .map(({ segment }) => segment)
      .reduce<ReadonlyArray<string>>(joinTorn, [])
      .map((sentence) => sentence.trim().replaceAll("\ue000", () => links[next++] ?? ""))
      .filter((sentence) => sentence !== "")
  })
}

const count = (text: string, mark: RegExp) => text.match(mark)?.length ?? 0

/** Puts together what a segmenter tears apart: German ordinals ("93. Minute") and speech inside quotes. */
const joinTorn = (sentences: ReadonlyArray<string>, sentence: string): ReadonlyArray<string> => {
  const last = sentences.at(-1)
  const torn =
    last !== undefined &&
    (/(?:^|\s)\d{1,3}\.\s*$/.test(last) ||
      count(last, /[„«]/g) > count(last, /[“»]/g) ||
      count(last, /“/g) > count(last, /[”„]/g))
  return torn ? [...sentences.slice(0, -1), last + sentence] : [...sentences, sentence]
}

const topicsOf = (text: string, book: Phrasebook): ReadonlyArray<string> => {
  const counts = new Map<string, number>()
  for (const word of lettersOf(text.replace(/https?:\S+|t\.me\/\S+|[@#]\S+/g, " "))) {
    const topic = word.toLowerCase()
    if (word.length >= 5 && !book.common.has(topic) && !book.notTopic.test(word))
      counts.set(topic, (counts.get(topic) ?? 0) + 1)
  }
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

/** Cuts at a word boundary, never inside a link, without dangling punctuation; an ellipsis tells of the cut. */
export const clip = (text: string, limit: number): string => {
  if (text.length <= limit) return text
  const end = Math.max(0, limit - 1)
  const torn = [...text.matchAll(link)].find((match) => match.index < end && match.index + match[0].length > end)
  const cut = text.slice(0, torn?.index ?? end)
  const space = cut.lastIndexOf(" ")
  return `${(space > limit * 0.5 ? cut.slice(0, space) : cut).replace(/[\p{P}\s]+$/u, "")}…`
}

/** A cut title must not end in "of the": words too common to be a topic are dropped from its end. */
const dropDangling = (title: string, book: Phrasebook): string => {
  const words = title.split(" ")
  while (words.length > 3 && book.common.has((words.at(-1) ?? "").toLowerCase())) words.pop()
  return words.join(" ")
}

/** A short line of its own is the author's title; else the first clause of the lead. */
const titleOf = (lead: string, book: Phrasebook, limit: number): string => {
  const clause = /^.*?(?:\?|(?=[,;:—–(!]\s|(?<!\d)\.\s|\s-\s|$))/u.exec(lead)?.[0].trim() ?? lead
  const base = clause.length >= 18 || lead.length > limit ? clause : lead
  const whole = sayDifferently(base, book)
  const cut = clip(whole, Math.min(limit, 70)).replace(/[.!,…\s]+$/u, "")
  const title = whole.length > limit ? dropDangling(cut, book) : cut
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
  const lines = [...new Set(storyLines(source))]
  const all = sentencesOf(lines, language)
  const headed = lines.length > 1 && all.length > 2 && (lines[0]?.length ?? 0) <= 80 && !/[.!…:]$/u.test(lines[0] ?? "")
  const heading = headed ? lines[0]?.replace(/[\s\p{Extended_Pictographic}\u{fe0f}]+$/u, "") : undefined
  const body = [...new Set(headed ? sentencesOf(lines.slice(1), language) : all)]
  const topics = topicsOf(lines.join("\n"), book)
  const lead = body[0] ?? source.trim()
  const title = titleOf(heading ?? (lead === "" ? "…" : lead), book, titleLimit)
  const chosen = digest(body, topics, Math.min(limit, source.length * 0.85) - book.details.length - 12)
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
