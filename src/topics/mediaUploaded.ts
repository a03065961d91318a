/** A picture is in the blob store and wants its preview and thumbnail. */
import { Schema } from "effect"
import { isMaxCharacters } from "../domain/characters.ts"
import { Sha256 } from "../domain/tree/Attachment.ts"
import { Generation } from "../domain/tree/ContentCommand.ts"
import { ItemId } from "../domain/tree/ItemId.ts"
import * as Topic from "./Topic.ts"

export const mediaUploaded = Topic.make({
  name: "media.uploaded",
  type: "media.uploaded",
  description: "A picture is in the blob store and wants its preview and thumbnail. Key: owner.",
  value: Schema.Struct({
    /** SHA-256 of the picture, 64 hex digits. */
    sha256: Sha256,
    /** Its name for people. */
    name: Schema.String.check(isMaxCharacters(1_000)),
    /** The item whose content it is: what becomes of it is said to the tree by the command `attach`. */
    item: Schema.optionalKey(Schema.Struct({ id: ItemId, gen: Generation }))
  })
})
