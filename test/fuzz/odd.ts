/** Values that have broken programs before: texts, numbers, JSON of every depth and size. */
import type { Chance } from "../simulation/Chance.ts"

const alone: ReadonlyArray<string> = [
  "",
  " ",
  ".",
  "..",
  "/",
  "%",
  "a\0b",
  "\ud800",
  "a\udfffb",
  "\u{1f600}",
  "__proto__",
  "constructor",
  "toString",
  "prototype",
  "hasOwnProperty",
  "null",
  "undefined",
  "NaN",
  "true",
  "0",
  "-1",
  "1e309",
  "9007199254740993",
  "'; DROP TABLE event; --",
  "%_\\",
  "{}",
  "[object Object]",
  "\u202eabc",
  "\ufeffbom",
  "\u2028",
  "e\u0301",
  "İ",
  "ß",
  "\x7f",
  "\x1b[31m",
  "../../etc/passwd",
  "%00",
  "%2e%2e",
  "$1",
  "${x}",
  "<script>",
  "2026-01-01",
  "0000-01-01T00:00:00Z",
  "9999-12-31T23:59:59-23:59",
  "2026-02-30T00:00:00Z",
  "2026-01-01T24:00:00Z",
  "2026-01-01T00:00:00.123456789123Z"
]

/** A text that is odd in one way or another; now and then a long one. */
export const oddText = (chance: Chance): string => {
  const roll = chance.next()
  if (roll < 0.7) return chance.of(alone)
  if (roll < 0.85) return chance.of(alone) + chance.of(alone)
  if (roll < 0.95) return String.fromCharCode(...Array.from({ length: chance.below(12) }, () => chance.below(0x10000)))
  const length = chance.of([199, 200, 201, 257, 2_000, 5_000])
  if (roll < 0.975) return chance.of(["x", "é", "\u{1f600}", "\0", "%"]).repeat(length)
  // Nothing that repeats itself: Postgres packs what does before it measures it.
  const [first, count] = chance.of([[0x21, 94] as const, [0x400, 256] as const, [0x1f300, 600] as const])
  return String.fromCodePoint(...Array.from({ length }, () => first + chance.below(count)))
}

const numbers = [0, -0, 1, -1, 0.5, 1e21, -1e308, 2 ** 31, 2 ** 53, 2 ** 53 + 2, 500, 501, 1_000, 1e-7]

/** Any JSON value, at most `depth` levels deep. */
export const oddValue = (chance: Chance, depth = 3): unknown => {
  const roll = chance.below(depth > 0 ? 8 : 5)
  if (roll === 0) return null
  if (roll === 1) return chance.is(0.5)
  if (roll === 2) return chance.of(numbers)
  if (roll <= 4) return oddText(chance)
  const size = chance.below(4)
  if (roll === 5) return Array.from({ length: size }, () => oddValue(chance, depth - 1))
  const made: Record<string, unknown> = {}
  for (let i = 0; i < size; i++) {
    // As JSON.parse would: the name __proto__ becomes a member and no prototype.
    Object.defineProperty(made, oddText(chance), {
      value: oddValue(chance, depth - 1),
      enumerable: true,
      configurable: true,
      writable: true
    })
  }
  return made
}

/** JSON so deep that a recursive reader runs out of stack. */
export const deepJson = (chance: Chance, most: number): string => {
  const levels = chance.of([31, 32, 33, 100, 1_000, 5_000, most])
  const [open, core, close] = chance.of([
    ["[", "", "]"],
    ['{"a":', "1", "}"],
    ['{"label":"x","branches":[', '{"label":"y"}', "]}"]
  ] as const)
  const times = Math.min(levels, Math.floor(most / (open.length + close.length)))
  return open.repeat(times) + core + close.repeat(times)
}

/** Bytes that are no good text in one way or another. */
export const oddBytes = (chance: Chance, most: number): Buffer => {
  const size = chance.is(0.02) ? most : chance.below(40)
  const bytes = Buffer.alloc(size)
  for (let i = 0; i < size; i++) bytes[i] = chance.below(256)
  return bytes
}

/** A good JSON text that was damaged at one place. */
export const brokenJson = (chance: Chance, json: string): Buffer => {
  const bytes = Buffer.from(json)
  const at = chance.below(bytes.length + 1)
  const cut = bytes.subarray(0, at)
  const rest = bytes.subarray(Math.min(bytes.length, at + chance.below(3)))
  return chance.is(0.4) ? cut : Buffer.concat([cut, Buffer.from([chance.below(256)]), rest])
}
