/** A source of a user is to be read now. */
import { Schema } from "effect"
import { Assignment, Source } from "../domain/Post.ts"
import * as Topic from "./Topic.ts"

export const SourceDue = Schema.Struct({
  source: Source,
  assignment: Assignment,
  /** How many of the posts that are there already are taken at the first reading; by default none. */
  backfill: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 500 })))
})
export type SourceDue = typeof SourceDue.Type

export const sourcesDue = Topic.make({
  name: "sources.due",
  type: "source.due",
  description: "A source of a user is to be read now. Key: user.",
  value: SourceDue
})
