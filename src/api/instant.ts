/** Times in requests: RFC 3339 with a zone, for without one nobody knows whose eight o'clock it is. */

const shape = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)$/

/** Length of a time without its zone. */
const shortestDateTime = "2026-12-01T08".length

/** What such a time has to look like, for the answer to a wrong one. */
export const instantShape = "must be a time with a zone, for example 2026-12-01T08:00:00Z"

/** ms since the epoch; null where there is no text, undefined where it is no such time. */
export const readInstant = (text: string | undefined): number | null | undefined => {
  if (text === undefined) return null
  const ms = shape.test(text) ? Date.parse(text) : Number.NaN
  return Number.isFinite(ms) ? ms : undefined
}

/** The same from a query string, where a plus sign that was not encoded has become a space. */
export const readQueryInstant = (text: string | undefined): number | null | undefined =>
  readInstant(text?.replace(/ (?=\d\d:\d\d$)/, (space, at: number) => (at > shortestDateTime ? "+" : space)))
