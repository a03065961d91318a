/**
 * The form in which two posts are compared: what a reader would call the same text becomes the same
 * string. Links lose their tracking, footers and decoration go, letters are folded.
 */

const trackingParameter = /^(?:utm_\w+|fbclid|gclid|yclid|ref|ref_src|igshid|mc_cid|mc_eid|from)$/i

/** A link without scheme, `www.`, tracking parameters, fragment and trailing slash. */
export const canonicalUrl = (url: string): string => {
  const [address = "", query = ""] = url.split("#", 1)[0]?.split("?", 2) ?? []
  const kept = query.split("&").filter((pair) => pair !== "" && !trackingParameter.test(pair.split("=", 1)[0] ?? ""))
  const plain = address
    .replace(/^https?:\/\//i, "")
    .replace(/^www\./i, "")
    .replace(/\/$/, "")
  return kept.length === 0 ? plain : `${plain}?${kept.join("&")}`
}

const link = /\b(?:https?:\/\/|www\.|t\.me\/)[^\s<>()"'»”]+/giu

/** A line that only names channels or tags, or asks to subscribe: decoration. A line with any other link is the story's. */
const isFooterLine = (line: string): boolean => {
  const rest = line.replace(/(?:https?:\/\/)?t\.me\/\S+/giu, " ").replace(/[@#][\p{L}\p{N}_]+/gu, " ")
  const words = rest.match(/[\p{L}\p{N}]+/gu) ?? []
  const names = line.match(/[@#][\p{L}\p{N}_]+|t\.me\//gu) ?? []
  if (words.length === 0) return true
  return (
    (names.length > 0 && words.length <= 4) ||
    (words.length <= 6 &&
      /^(?:subscribe|follow|join|подпис|наш канал|прислать новость|источник|via\b|síguenos|suscríbete|abonnier|folgt|folge|quelle)/iu.test(
        rest.trim()
      ))
  )
}

/** A post without the footer lines at its end and without the channel's own boilerplate lines. */
export const stripFooter = (text: string, boilerplate: ReadonlySet<string> = new Set()): string => {
  const lines = text.split("\n")
  const isDecoration = (line: string) => isFooterLine(line) || boilerplate.has(line.trim())
  let end = lines.length
  while (end > 1 && isDecoration(lines[end - 1] ?? "")) end--
  return lines.slice(0, end).join("\n").trimEnd()
}

/**
 * Lower-cased NFKC words separated by single spaces. `boilerplate` are trimmed lines the channel
 * repeats under its posts (see {@link channelBoilerplate}).
 */
export const normaliseText = (text: string, boilerplate?: ReadonlySet<string>): string =>
  stripFooter(text.normalize("NFKC"), boilerplate)
    .replace(link, (url) => ` ${canonicalUrl(url)} `)
    .toLowerCase()
    .replaceAll("ё", "е")
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, " ")
    .trim()

/**
 * The last lines that repeat under at least 60 % of a channel's last 50 posts (of at least five):
 * its signature, which says nothing about the story. Newest posts last.
 */
export const channelBoilerplate = (posts: ReadonlyArray<string>): ReadonlySet<string> => {
  const recent = posts.slice(-50)
  if (recent.length < 5) return new Set()
  const counts = new Map<string, number>()
  for (const post of recent)
    for (const line of new Set(
      post
        .trimEnd()
        .split("\n")
        .slice(-2)
        .map((text) => text.trim())
    ))
      if (line !== "") counts.set(line, (counts.get(line) ?? 0) + 1)
  return new Set([...counts].filter(([, count]) => count >= recent.length * 0.6).map(([line]) => line))
}
