/**
 * Files of items by HTTP: uploads as they stream in, or by an address that is
 * fetched later; what is made of them; copies, which share their bytes. Like
 * every change of a tree, an upload is accepted first and applied in its turn.
 */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { RemoteUrl } from "../domain/tree/ContentCommand.ts"
import { ItemId } from "../domain/tree/ItemId.ts"
import { ItemName, Viewers } from "../domain/tree/Name.ts"
import { Tags } from "../domain/tree/Tag.ts"
import { accepted, says, submitting } from "./fields.ts"
import { acting, change, headers, ItemReceipt, reading } from "./ItemsContract.ts"
import { Authorization } from "./Middleware.ts"
import { BadRequest, InsufficientStorage, NotFound, RangeNotSatisfiable, Unavailable } from "./Problems.ts"

const name = Schema.optionalKey(ItemName.annotate({ description: "Left out: the file's." }))
const place = {
  ...acting,
  name,
  parent: Schema.optionalKey(ItemId),
  tags: Schema.optionalKey(Tags),
  viewers: Schema.optionalKey(Viewers.annotate({ description: "Left out: those who see the parent." }))
}
const url = RemoteUrl.annotate({ description: "Fetched later, by a task; only from the public web." })

/** The fields beside the file. Lists are sent as several fields of one name; null cannot be sent. */
export const UploadFields = Schema.Struct(place)
export const ContentFields = Schema.Struct(acting)
const RemoteUpload = Schema.Struct({ ...place, parent: Schema.optionalKey(Schema.NullOr(ItemId)), url })
const RemoteContent = Schema.Struct({ ...acting, url })

const file = { file: Schema.String.annotate({ format: "binary", description: "The file itself." }) }
const form = HttpApiSchema.asMultipartStream()
const uploading = {
  headers,
  success: ItemReceipt.pipe(accepted),
  error: [...submitting, NotFound.problem, InsufficientStorage.problem]
} as const

const serving = {
  params: { id: Schema.String },
  query: reading,
  success: Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array()),
  error: [BadRequest.problem, NotFound.problem, RangeNotSatisfiable.problem, Unavailable.problem]
} as const

export class Files extends HttpApiGroup.make("files")
  .add(
    HttpApiEndpoint.post("upload", "/items/upload", {
      ...uploading,
      payload: [Schema.Struct({ ...UploadFields.fields, ...file }).pipe(form), RemoteUpload]
    }).annotateMerge(
      says(
        "Make an item with a file",
        "As a form whose file streams in, or as JSON with an address. Its id can be used at once; `content.status` of the item says how far its pictures are."
      )
    ),
    HttpApiEndpoint.put("setContent", "/items/:id/content", {
      ...uploading,
      params: { id: Schema.String },
      payload: [Schema.Struct({ ...ContentFields.fields, ...file }).pipe(form), RemoteContent]
    }).annotateMerge(says("Give an item another file", "What it had is shown until the new one is there.")),
    HttpApiEndpoint.get("content", "/items/:id/content", serving).annotateMerge(
      says("An item's file", "Ranges and If-None-Match are heeded; the ETag is the file's SHA-256.")
    ),
    HttpApiEndpoint.get("preview", "/items/:id/preview", serving).annotateMerge(says("A picture of an item's file")),
    HttpApiEndpoint.get("thumbnail", "/items/:id/thumbnail", serving).annotateMerge(
      says("A small picture of an item's file")
    ),
    HttpApiEndpoint.post("copyContent", "/items/:id/content/copy", {
      ...change,
      payload: Schema.Struct({ ...acting, from: ItemId.annotate({ description: "Whose file it is to have too." }) })
    }).annotateMerge(says("Give an item the file of another", "The bytes are shared, not copied.")),
    HttpApiEndpoint.post("copy", "/items/:id/copy", {
      ...change,
      payload: Schema.Struct({
        ...acting,
        parent: Schema.NullOr(ItemId).annotate({
          description: "Into whose tree, and where; null is the top of the caller's own."
        })
      })
    }).annotateMerge(
      says("Copy an item with everything below it that the caller sees", "`itemId` is the copy's. Files are shared.")
    ),
    HttpApiEndpoint.post("purge", "/items/:id/purge", { ...change, payload: Schema.Struct(acting) }).annotateMerge(
      says("Remove a deleted item with everything below it for good")
    )
  )
  .middleware(Authorization) {}
