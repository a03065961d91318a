/**
 * How far a partition is journalled. Tasks end in any order; what may be
 * forgotten of the log is only the part before the first offset that has no
 * row yet, whatever is done behind it.
 */

export interface Watermark {
  /** The lowest offset that is not journalled. */
  next: number
  /** Journalled offsets above it. */
  readonly ahead: Set<number>
  /** The lowest offset that was not read. */
  readTo: number
}

export const make = (next: number): Watermark => ({ next, ahead: new Set(), readTo: next })

/** The task of this offset has a row, or needs none. */
export const journalled = (mark: Watermark, offset: number): void => {
  if (offset < mark.next) return
  mark.ahead.add(offset)
  while (mark.ahead.delete(mark.next)) mark.next++
}

/** Whether the task of this offset has a row, or needs none. */
export const isJournalled = ({ next, ahead }: Watermark, offset: number): boolean => offset < next || ahead.has(offset)

/** Everything before `to` was read, and what was not handed on of it (marks of transactions) needs no row. */
export const passed = (mark: Watermark, to: number): void => {
  for (; mark.readTo < to; mark.readTo++) journalled(mark, mark.readTo)
}

/** A record was read. Offsets that were left out before it (a compacted log has gaps) need no row. */
export const read = (mark: Watermark, offset: number): void => {
  passed(mark, offset)
  mark.readTo = Math.max(mark.readTo, offset + 1)
}
