/**
 * Trees of items by HTTP. Who acts is named in the request (`user`), and the
 * token's holder is trusted for it. Changes are accepted and applied later, one of
 * an owner after the other; until then reads say `applying`.
 */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { ItemId } from "../domain/tree/ItemId.ts"
import { ItemName, UserName, Viewers } from "../domain/tree/Name.ts"
import { Tags } from "../domain/tree/Tag.ts"
import { accepted, failures, key, says, submitting } from "./fields.ts"
import { Authorization } from "./Middleware.ts"
import { BadRequest, NotFound } from "./Problems.ts"
import { cursor, filter, limit, numberedCursor } from "./query.ts"
import { Receipt } from "./Views.ts"

const ContentView = Schema.Struct({
  /** How often the item was given a file. */
  gen: Schema.Int,
  status: Schema.Literals(["processing", "available", "failed"]).annotate({
    description:
      "Whether its pictures are still to be made (or the file to be fetched), are there or not wanted, or cannot be had."
  }),
  /** Of a failure: its kind in one word, and what to tell people. */
  reason: Schema.NullOr(Schema.String),
  message: Schema.NullOr(Schema.String),
  /** The file that is there; null while it is still to be fetched. */
  sha256: Schema.NullOr(Schema.String),
  /** Bytes. */
  size: Schema.NullOr(Schema.Int),
  type: Schema.NullOr(Schema.String),
  /** Pixels of the picture, upright. */
  width: Schema.NullOr(Schema.Int),
  height: Schema.NullOr(Schema.Int),
  thumbhash: Schema.NullOr(Schema.String),
  /** What is wrong with a picture that could be used all the same. */
  degraded: Schema.NullOr(Schema.String),
  exif: Schema.NullOr(Schema.Record(Schema.String, Schema.Json))
}).annotate({ identifier: "Content" })

const ItemView = Schema.Struct({
  id: Schema.String,
  owner: Schema.String,
  /** Null at the top of the tree. */
  parent: Schema.NullOr(Schema.String),
  type: Schema.String,
  name: Schema.String,
  /** Its own. */
  tags: Schema.Array(Schema.String),
  /** Its own and those of everything above it. */
  effectiveTags: Schema.Array(Schema.String),
  /** Who sees it besides its owner; only the owner and an admin are told. */
  viewers: Schema.NullOr(Schema.Array(Schema.String)),
  /** The item with which it was deleted; null while it is not. */
  deletedWith: Schema.NullOr(Schema.String),
  /** Its file; null where it has none and is not to have one. */
  content: Schema.NullOr(ContentView)
}).annotate({ identifier: "Item" })
export type ItemView = typeof ItemView.Type

const applying = Schema.Boolean.annotate({
  description:
    "Whether the tree has changes that were accepted and are not applied yet; the caller's own tree, where several are read."
})
const ItemAnswer = Schema.Struct({ item: ItemView, applying })
const ItemPage = Schema.Struct({
  items: Schema.Array(ItemView),
  /** Hand it back as `cursor` for the next page; null on the last. */
  next: Schema.NullOr(Schema.String),
  applying
})
const TagPage = Schema.Struct({
  tags: Schema.Array(Schema.Struct({ tag: Schema.String, count: Schema.Int })),
  applying
})
export const ItemReceipt = Schema.Struct({ ...Receipt.fields, itemId: Schema.String })

const admin = Schema.optionalKey(Schema.Boolean.annotate({ description: "Acts on the trees of others too." }))
export const acting = { user: UserName.annotate({ description: "Who wants it." }), admin }
export const reading = {
  user: Schema.optionalKey(
    UserName.annotate({ description: "Who reads; without it, somebody who sees public owners only." })
  ),
  admin
}
const id = { id: Schema.String }
export const headers = { "idempotency-key": key }
export const change = {
  params: id,
  headers,
  success: ItemReceipt.pipe(accepted),
  error: [...submitting, NotFound.problem]
} as const
const reads = [...failures, BadRequest.problem] as const

export class Items extends HttpApiGroup.make("items")
  .add(
    HttpApiEndpoint.post("create", "/items", {
      payload: Schema.Struct({
        ...acting,
        type: Schema.Literals(["collection", "item"]),
        name: ItemName,
        parent: Schema.optionalKey(Schema.NullOr(ItemId)),
        tags: Schema.optionalKey(Tags),
        viewers: Schema.optionalKey(Viewers.annotate({ description: "Left out: those who see the parent." }))
      }),
      headers,
      success: ItemReceipt.pipe(accepted),
      error: [...submitting, NotFound.problem]
    }).annotateMerge(
      says(
        "Make an item",
        "Its id can be used at once; it is there once the task has succeeded. The tree is the parent's."
      )
    ),
    HttpApiEndpoint.get("list", "/items", {
      query: {
        ...reading,
        parent: filter("The children of this item; left out: what stands at the top."),
        owner: Schema.optionalKey(
          UserName.annotate({ description: "At the top of whose tree; by default the caller's." })
        ),
        limit,
        cursor: numberedCursor
      },
      success: ItemPage,
      error: reads
    }).annotateMerge(says("The children of an item that the caller sees, oldest first")),
    HttpApiEndpoint.get("get", "/items/:id", {
      params: id,
      query: reading,
      success: ItemAnswer,
      error: reads
    }).annotateMerge(says("An item")),
    HttpApiEndpoint.put("rename", "/items/:id/name", {
      ...change,
      payload: Schema.Struct({ ...acting, name: ItemName })
    }).annotateMerge(says("Rename an item")),
    HttpApiEndpoint.put("move", "/items/:id/parent", {
      ...change,
      payload: Schema.Struct({ ...acting, parent: Schema.NullOr(ItemId) })
    }).annotateMerge(says("Move an item with everything below it", "Within its owner's tree; null is the top.")),
    HttpApiEndpoint.put("tags", "/items/:id/tags", {
      ...change,
      payload: Schema.Struct({
        ...acting,
        set: Schema.optionalKey(Tags),
        add: Schema.optionalKey(Tags),
        remove: Schema.optionalKey(Tags)
      })
    }).annotateMerge(says("Change an item's own tags", "Everything below it has them too.")),
    HttpApiEndpoint.put("access", "/items/:id/access", {
      ...change,
      payload: Schema.Struct({
        ...acting,
        set: Schema.optionalKey(Viewers),
        grant: Schema.optionalKey(Viewers),
        revoke: Schema.optionalKey(Viewers),
        parents: Schema.optionalKey(
          Schema.Boolean.annotate({
            description: "Grant all ancestors too; revoke those in whose branch the user sees nothing else."
          })
        ),
        children: Schema.optionalKey(
          Schema.Literals(["delta", "copy"]).annotate({
            description: "Everything below gets the same change (delta) or the same set (copy)."
          })
        )
      })
    }).annotateMerge(says("Change who sees an item")),
    HttpApiEndpoint.delete("delete", "/items/:id", { ...change, query: acting }).annotateMerge(
      says("Delete an item with everything below it")
    ),
    HttpApiEndpoint.post("restore", "/items/:id/restore", { ...change, payload: Schema.Struct(acting) }).annotateMerge(
      says("Take back the deletion of an item", "What had been deleted before it stays deleted.")
    ),
    HttpApiEndpoint.put("public", "/users/:id/public", {
      params: { id: UserName },
      headers,
      payload: Schema.Struct({ ...acting, public: Schema.Boolean }),
      success: Receipt.pipe(accepted),
      error: submitting
    }).annotateMerge(says("Let everybody see a user's items, or no longer")),
    HttpApiEndpoint.get("tagsSeen", "/tags", {
      query: { ...reading, q: filter("How the tag begins."), limit },
      success: TagPage,
      error: reads
    }).annotateMerge(says("Tags of what the caller sees, and how many items each has, the most frequent first")),
    HttpApiEndpoint.get("search", "/search", {
      query: {
        ...reading,
        tags: filter("Tags that an item has all of, separated by commas."),
        q: filter("Beginnings of words that an item's name has all of."),
        limit,
        cursor: cursor(/^[0-9]{1,9}-[0-9a-z]{0,1200}$/u)
      },
      success: ItemPage,
      error: reads
    }).annotateMerge(says("Items that the caller sees, by tags and words"))
  )
  .middleware(Authorization) {}
