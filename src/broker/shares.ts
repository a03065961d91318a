/**
 * Who reads which partition: rendezvous hashing with a bound. Every member
 * computes the same answer from the same list, a partition stays with its
 * member when others come and go where the bound allows it, and no member has
 * more than its share rounded up.
 */

/** A 32-bit mix of two numbers (the finaliser of murmur3), even over small inputs. */
const weight = (member: number, partition: number): number => {
  let h = Math.imul(member ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(partition + 1, 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/**
 * The partitions of `member` among `members` (numbers, in any order).
 * A member that is not in the list has none.
 */
export const shareOf = (member: number, members: ReadonlyArray<number>, partitions: number): ReadonlyArray<number> => {
  const all = [...new Set(members)].sort((a, b) => a - b)
  const most = Math.ceil(partitions / Math.max(1, all.length))
  const load = new Map(all.map((m) => [m, 0]))
  const mine: Array<number> = []
  for (let partition = 0; partition < partitions; partition++) {
    let best: number | undefined
    let bestWeight = -1
    for (const candidate of all) {
      if (load.get(candidate)! >= most) continue
      const w = weight(candidate, partition)
      if (w > bestWeight) {
        bestWeight = w
        best = candidate
      }
    }
    if (best === undefined) continue
    load.set(best, load.get(best)! + 1)
    if (best === member) mine.push(partition)
  }
  return mine
}
