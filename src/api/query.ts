/**
 * What a query may say: parts that lists have in common. All of it is text, and
 * all that is wanted of a text is a pattern, so that the document says it too: a
 * request that fits the document is not refused for its query.
 */
import { Schema, SchemaTransformation } from "effect"
import { taskStates } from "../domain/TaskState.ts"
import { instantShape, readQueryInstant } from "./instant.ts"
import { timeOf } from "./present.ts"

const largestPage = 500

const fitting = (pattern: RegExp, message: string, description: string) =>
  Schema.String.annotate({ description }).check(Schema.isPattern(pattern, { message }))

/** Narrows a list. PostgreSQL cannot hold NUL, so nothing is called by it. */
export const filter = (description: string) =>
  // oxlint-disable-next-line no-control-regex -- NUL as other readers of JSON Schema write it
  Schema.optionalKey(fitting(/^[^\x00]*$/u, "must not contain NUL", description))

/** How many of a list. */
export const limit = Schema.optionalKey(
  fitting(
    /^(?:[1-9][0-9]?|[1-4][0-9]{2}|500)$/u,
    `must be a whole number from 1 to ${largestPage}`,
    `At most so many, up to ${largestPage}.`
  ).pipe(Schema.decodeTo(Schema.Int, SchemaTransformation.numberFromString))
)

const place = (pattern: RegExp) => fitting(pattern, "must be what `next` said", "What `next` of the page before said.")

/** Where a page begins, as the page before it said: a text of one shape, none of which is refused. */
export const cursor = (pattern: RegExp) => Schema.optionalKey(place(pattern))

/** The same for lists in which everything has a number. */
export const numberedCursor = Schema.optionalKey(
  place(/^[0-9]{1,15}$/u).pipe(Schema.decodeTo(Schema.Int, SchemaTransformation.numberFromString))
)

/** The number that a cursor begins with, and what comes behind its dash. */
export const partsOf = (cursor: string): readonly [number, string] => {
  const dash = cursor.indexOf("-")
  return [Number(cursor.slice(0, dash)), cursor.slice(dash + 1)]
}

/** From or until when, in ms since the epoch. */
export const instant = (description: string) =>
  Schema.optionalKey(
    Schema.String.annotate({ description, format: "date-time" })
      .check(Schema.makeFilter((text) => (readQueryInstant(text) === undefined ? instantShape : undefined)))
      .pipe(
        Schema.decodeTo(
          Schema.Number,
          SchemaTransformation.transform({ decode: (text) => readQueryInstant(text) ?? Number.NaN, encode: timeOf })
        )
      )
  )

const state = ` *(?:${taskStates.join("|")}) *`

/** States of tasks. */
export const states = Schema.optionalKey(
  fitting(
    new RegExp(`^${state}(?:,${state})*$`, "u"),
    `must be some of ${taskStates.join(", ")}`,
    "One status or several, separated by commas."
  )
)
