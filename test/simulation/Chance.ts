/** Numbers drawn from a seed (mulberry32). Independent streams have independent seeds. */

export interface Chance {
  /** In [0, 1). */
  readonly next: () => number
  /** An integer in [0, limit). */
  readonly below: (limit: number) => number
  readonly between: (from: number, to: number) => number
  /** True with this probability. */
  readonly is: (probability: number) => boolean
  readonly of: <A>(items: ReadonlyArray<A>) => A
}

/** A 32-bit mix (the finaliser of murmur3): neighbouring seeds give unrelated streams. */
const mix = (seed: number): number => {
  let h = seed | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

export const makeChance = (seed: number, stream: number): Chance => {
  let state = mix(seed ^ mix(stream + 0x9e3779b9))
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    next,
    below,
    between: (from, to) => from + below(to - from + 1),
    is: (probability) => next() < probability,
    of: (items) => items[below(items.length)]!
  }
}
