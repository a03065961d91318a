/** Parts that the groups of the contract have in common. */
import { Schema } from "effect"
import { HttpApiSchema, OpenApi } from "effect/http-api"
import { isMaxCharacters } from "../domain/characters.ts"
import { isPathPart } from "../domain/tree/Name.ts"
import { BadRequest, BodyTooLarge, Conflict, NotFound, Unavailable, UnsupportedMediaType } from "./Problems.ts"

export const says = (summary: string, description?: string) =>
  OpenApi.annotations({ summary, ...(description === undefined ? {} : { description }) })

/** A name of something that a path may hold. */
export const name = Schema.String.check(Schema.isMinLength(1), isMaxCharacters(200), isPathPart)
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
