/** A rewritten post that may need a picture. All posts pass here, so that none overtakes another. */
import { Schema } from "effect"
import { Assignment, RewrittenPost } from "../domain/Post.ts"
import * as Topic from "./Topic.ts"

export const imagesRequested = Topic.make({
  name: "images.requested",
  type: "image.requested",
  description: "A rewritten post that may need a picture (prompt null: it needs none). Key: user.",
  value: Schema.Struct({ post: RewrittenPost, assignment: Assignment, prompt: Schema.NullOr(Schema.String) })
})
