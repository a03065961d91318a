/** A picture that is to be converted when there is time for it: after a change of the recipe, or a large import. */
import { Schema } from "effect"
import { UserName } from "../domain/tree/Name.ts"
import { mediaUploaded } from "./mediaUploaded.ts"
import * as Topic from "./Topic.ts"

/** The key is the picture's SHA-256, so that the pictures of one owner need not wait for each other. */
export const mediaBackfill = Topic.make({
  name: "media.backfill",
  type: "media.backfill",
  description:
    "A picture that is to be converted when there is time for it, behind those somebody waits for. Key: picture.",
  value: Schema.Struct({
    /** Whose picture it is; the key does not say. */
    owner: UserName,
    picture: mediaUploaded.value
  })
})
