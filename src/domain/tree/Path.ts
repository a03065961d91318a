/**
 * The place of an item in its tree as text: the numbers of its ancestors and
 * its own, each of fixed width. A branch is then a range of texts, and a move
 * the change of a beginning.
 */

/** Digits of one number, of 36 that sort as they count. */
export const segmentLength = 6

/** Most levels of a tree: an index can hold the path of the deepest item. */
export const deepest = 200

/** The path of item number `slot` (0 to 36^6 - 1) below `parent`; null for the top. */
export const pathOf = (parent: string | null, slot: number): string =>
  (parent ?? "") + slot.toString(36).padStart(segmentLength, "0")

/** How many levels lie above and at `path`. */
export const depthOf = (path: string): number => path.length / segmentLength

/** Behind every path of the branch of `path`, and before all others that follow. */
export const endOf = (path: string): string => `${path}~`

/** The paths of all ancestors, from the top. */
export const ancestorsOf = (path: string): ReadonlyArray<string> =>
  Array.from({ length: depthOf(path) - 1 }, (_, level) => path.slice(0, (level + 1) * segmentLength))

/** Whether `path` is `branch` or lies below it. */
export const isWithin = (path: string, branch: string): boolean => path.startsWith(branch)
