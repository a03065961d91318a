/**
 * A small seeded generator for pictures and texts of the sandbox: the same seed gives the same
 * picture on every machine, so demo runs and tests can be compared byte by byte.
 */

/** Draws numbers in a fixed order from a seed. */
export interface SeededRandom {
  /** A number in [0, 1). */
  readonly next: () => number
  /** A number in [from, to). */
  readonly between: (from: number, to: number) => number
  /** One of the items; the list must not be empty. */
  readonly pick: <A>(items: readonly [A, ...ReadonlyArray<A>]) => A
}

/** 32-bit FNV-1a of a text, as a seed. */
export const seedOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** A mulberry32 generator started from the seed of a text. */
export const seededRandom = (text: string): SeededRandom => {
  let state = seedOf(text)
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  return {
    next,
    between: (from, to) => from + next() * (to - from),
    pick: (items) => items[Math.floor(next() * items.length)] ?? items[0]
  }
}
