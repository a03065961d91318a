/** Chance from a seed: the same seed draws the same. */

/** Numbers from 0 to 1 (xorshift). */
export const randomOf = (seed: number): (() => number) => {
  let state = (seed * 2_654_435_761) | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** One of `list`, which must not be empty. */
export const oneOf = <A>(random: () => number, list: ReadonlyArray<A>): A => list[Math.floor(random() * list.length)]!

/** The same things in another order. */
export const shuffled = <A>(random: () => number, list: ReadonlyArray<A>): Array<A> => {
  const left = [...list]
  return list.map(() => left.splice(Math.floor(random() * left.length), 1)[0]!)
}
