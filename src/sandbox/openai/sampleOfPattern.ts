/**
 * One short text that a regular expression accepts, for schemas with a `pattern`. Knows literals,
 * classes, groups, alternatives and counts; that is what JSON Schemas of answers use.
 */

interface Cursor {
  readonly source: string
  at: number
}

const classes: Readonly<Record<string, string>> = {
  d: "0",
  w: "a",
  s: " ",
  D: "a",
  W: "-",
  S: "a",
  n: "\n",
  t: "\t",
  p: "a",
  P: "1",
  b: "",
  B: ""
}

const escape = (cursor: Cursor): string => {
  const letter = cursor.source[cursor.at++] ?? ""
  if ((letter === "p" || letter === "P") && cursor.source[cursor.at] === "{") {
    const end = cursor.source.indexOf("}", cursor.at)
    const name = cursor.source.slice(cursor.at + 1, end)
    cursor.at = end + 1
    return name.startsWith("N") ? "0" : name.startsWith("Lu") ? "A" : "a"
  }
  return classes[letter] ?? letter
}

const bracket = (cursor: Cursor): string => {
  const negated = cursor.source[cursor.at] === "^"
  if (negated) cursor.at++
  const start = cursor.at
  let first = ""
  while (cursor.at < cursor.source.length && (cursor.source[cursor.at] !== "]" || cursor.at === start)) {
    const letter = cursor.source[cursor.at++] ?? ""
    const sample = letter === "\\" ? escape(cursor) : letter
    if (first === "") first = sample
  }
  const body = cursor.source.slice(start, cursor.at)
  cursor.at++
  if (!negated) return first
  const refused = new RegExp(`[${body}]`, "u")
  return ["a", "0", "-", " ", "Z"].find((letter) => !refused.test(letter)) ?? "~"
}

const atom = (cursor: Cursor): string => {
  const letter = cursor.source[cursor.at++] ?? ""
  if (letter === "\\") return escape(cursor)
  if (letter === "[") return bracket(cursor)
  if (letter === ".") return "a"
  if (letter === "^" || letter === "$") return ""
  if (letter !== "(") return letter
  const special = /^\?(?::|<[A-Za-z]\w*>)/.exec(cursor.source.slice(cursor.at))
  if (special !== null) cursor.at += special[0].length
  const sample = alternatives(cursor)
  cursor.at++
  return sample
}

const repeat = (cursor: Cursor, sample: string): string => {
  const counted = /^(?:\{(\d+)(?:,\d*)?\}|[*+?])\??/.exec(cursor.source.slice(cursor.at))
  if (counted === null) return sample
  cursor.at += counted[0].length
  if (counted[1] !== undefined) return sample.repeat(Number(counted[1]))
  return counted[0].startsWith("+") ? sample : ""
}

const alternatives = (cursor: Cursor): string => {
  let out = ""
  let chosen: string | undefined
  while (cursor.at < cursor.source.length && cursor.source[cursor.at] !== ")") {
    if (cursor.source[cursor.at] === "|") {
      cursor.at++
      chosen ??= out
      out = ""
    } else out += repeat(cursor, atom(cursor))
  }
  return chosen ?? out
}

/** A text that `pattern` accepts, as short as its counts allow. */
export const sampleOfPattern = (pattern: string): string => alternatives({ source: pattern, at: 0 })
