/** Parts that the groups of the contract have in common. */
import { Schema } from "effect"
import { HttpApiSchema, OpenApi } from "effect/http-api"
import { BadRequest, BodyTooLarge, Conflict, NotFound, Unavailable, UnsupportedMediaType } from "./Problems.ts"

export const largestPage = 500

export const says = (summary: string, description?: string) =>
  OpenApi.annotations({ summary, ...(description === undefined ? {} : { description }) })

/** No URL can name a dot segment, and Postgres cannot hold NUL: neither could be asked for again. */
export const name = Schema.String.check(
  Schema.isMinLength(1),
  Schema.isMaxLength(200),
  Schema.isPattern(/^(?!\.{1,2}$)[^\0]*$/u, { message: "must not contain NUL, nor be . or .." })
)
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

/** How many of a list. */
export const count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: largestPage }))
export const filter = (description: string) => Schema.optionalKey(Schema.String.annotate({ description }))
