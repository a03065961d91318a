/**
 * Rows that travel with another statement: both are written, or neither, in one
 * question to the database instead of four (BEGIN, the rows, the other, COMMIT).
 */

/** One INSERT without RETURNING, for a statement that carries it. */
export interface Preface {
  /** Its text; `first` is the number of its first parameter. The same text for the same `first`, so that it is prepared once. */
  readonly insert: (first: number) => string
  readonly parameters: ReadonlyArray<unknown>
}
