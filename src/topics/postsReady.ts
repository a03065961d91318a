/** A post with everything it needs to be published. */
import { Schema } from "effect"
import { Assignment, RewrittenPost } from "../domain/Post.ts"
import * as Topic from "./Topic.ts"

export const postsReady = Topic.make({
  name: "posts.ready",
  type: "post.ready",
  description: "A post with everything it needs to be published. Key: user.",
  value: Schema.Struct({ post: RewrittenPost, assignment: Assignment })
})
