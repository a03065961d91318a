/**
 * What may be a name in an index: ids of records, names of steps and of state.
 * An entry of Postgres' B-trees has at most 2,704 bytes, its text no NUL, and as
 * UTF-8 each half of a surrogate pair is the same character, which would make
 * one name of two.
 */
import { hasAtMost } from "./characters.ts"
import { uuidOf } from "./ids.ts"

/** Characters of the longest name. None that the API takes may be longer: its event and its task would part. */
const longestName = 256

/** Whether `name` is stored as it is. */
export const isStorableName = (name: string): boolean =>
  name !== "" && hasAtMost(name, longestName) && !name.includes("\0") && name.isWellFormed()

/** `name`, or a UUID made of it where it could not be stored: what is found under a name is what was put there. */
export const storedNameOf = (name: string): string => (isStorableName(name) ? name : uuidOf(JSON.stringify(name)))
