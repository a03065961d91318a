/** Parts that the groups of the contract have in common. */
import { Schema, SchemaTransformation } from "effect"
import { HttpApiSchema, OpenApi } from "effect/http-api"
import { isPathPart } from "../domain/tree/Name.ts"
import { BadRequest, BodyTooLarge, Conflict, NotFound, Unavailable, UnsupportedMediaType } from "./Problems.ts"

const largestPage = 500

export const says = (summary: string, description?: string) =>
  OpenApi.annotations({ summary, ...(description === undefined ? {} : { description }) })

/** A name of something that a path may hold. */
export const name = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200), isPathPart)
export const key = Schema.optionalKey(name.annotate({ description: "Sending the same key again answers the same." }))
export const time = Schema.String.annotate({ format: "date-time" })

/** The answer of what is done later. */
export const accepted = HttpApiSchema.status(202)
export const failures = [NotFound.problem, Unavailable.problem] as const
/** What may be wrong with what is to be kept. */
export const submitting = [
  BadRequest.problem,
  Conflict.problem,
  BodyTooLarge.problem,
  UnsupportedMediaType.problem,
  Unavailable.problem
] as const

/** How many of a list: a number in a query is text, and the document can only say by a pattern which. */
export const limit = Schema.optionalKey(
  Schema.String.annotate({ description: `At most so many, up to ${largestPage}.` })
    .check(
      Schema.isPattern(/^(?:[1-9][0-9]?|[1-4][0-9]{2}|500)$/u, {
        message: `must be a whole number from 1 to ${largestPage}`
      })
    )
    .pipe(Schema.decodeTo(Schema.Int, SchemaTransformation.numberFromString))
)
export const filter = (description: string) => Schema.optionalKey(Schema.String.annotate({ description }))
