/** Work on the files of items: one has to be fetched from the web, or all of them are swept or verified. */
import { Schema } from "effect"
import { Generation, RemoteUrl } from "../domain/tree/ContentCommand.ts"
import { ItemId } from "../domain/tree/ItemId.ts"
import { UserName } from "../domain/tree/Name.ts"
import * as Topic from "./Topic.ts"

const Fetch = Schema.Struct({
  kind: Schema.tag("fetch"),
  /** In whose tree the item stands. */
  owner: UserName,
  item: ItemId,
  gen: Generation,
  url: RemoteUrl
})

/** Removes files that nobody refers to any more; with `orphans` also those that were never an item's. */
const Sweep = Schema.Struct({ kind: Schema.tag("sweep"), orphans: Schema.optionalKey(Schema.Boolean) })

/** Reads files again and says which are missing or damaged: `sample` of them drawn by chance, or all. */
const Verify = Schema.Struct({
  kind: Schema.tag("verify"),
  sample: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 })))
})

/** Has what was deleted long ago removed for good. */
const PurgeDeleted = Schema.Struct({ kind: Schema.tag("purgeDeleted") })

export const contentCommands = Topic.make({
  name: "content.commands",
  type: "content.command",
  description:
    "Content of an item has to be fetched from the web, or all content swept or verified, or old deletions made final. Key: item.",
  value: Schema.Union([Fetch, Sweep, Verify, PurgeDeleted])
})
