/** A new post was found that is neither an advertisement nor known already. */
import { Schema } from "effect"
import { Assignment, CollectedPost } from "../domain/Post.ts"
import * as Topic from "./Topic.ts"

export const postsCollected = Topic.make({
  name: "posts.collected",
  type: "post.collected",
  description: "A new post was found that is neither an advertisement nor known already. Key: user.",
  value: Schema.Struct({ post: CollectedPost, assignment: Assignment })
})
