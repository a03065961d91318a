/** Content of items has to be fetched from the web. */
import { Schema } from "effect"
import { Generation, RemoteUrl } from "../domain/tree/ContentCommand.ts"
import { ItemId } from "../domain/tree/ItemId.ts"
import { UserName } from "../domain/tree/Name.ts"
import * as Topic from "./Topic.ts"

export const contentCommands = Topic.make({
  name: "content.commands",
  type: "content.command",
  description: "Content of an item has to be fetched from the web. Key: item.",
  value: Schema.Struct({
    kind: Schema.tag("fetch"),
    /** In whose tree the item stands. */
    owner: UserName,
    item: ItemId,
    gen: Generation,
    url: RemoteUrl
  })
})
