/**
 * Exports by HTTP: items as one file, made by a task and kept for a while. What
 * is in it is what its requester sees when it is made, and nobody but the
 * requester is told that it is there.
 */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { exportFields, ExportFormat, picturesInZip } from "../domain/export/ExportRequest.ts"
import { UserName } from "../domain/tree/Name.ts"
import { accepted, failures, says, submitting, time } from "./fields.ts"
import { acting, headers } from "./ItemsContract.ts"
import { Authorization } from "./Middleware.ts"
import { BadRequest, Conflict, Gone, NotFound, RangeNotSatisfiable, Unavailable } from "./Problems.ts"
import { cursor, limit } from "./query.ts"
import { Receipt, TaskStatus } from "./Views.ts"

const ExportStatus = Schema.Union([TaskStatus, Schema.Literal("expired")]).annotate({
  description: "That of its task; `expired` once its file is not kept any longer."
})

const Skipped = Schema.Struct({
  item: Schema.String,
  /** Null for what the requester does not see, or what is not there. */
  name: Schema.NullOr(Schema.String),
  reason: Schema.String.annotate({
    description: "NotFound, NoContent, NotFetchedYet, FileMissing or NoPicture."
  }),
  message: Schema.NullOr(Schema.String)
})

const ExportView = Schema.Struct({
  id: Schema.String,
  status: ExportStatus,
  /** Of a bad end, or of a wait. */
  reason: Schema.NullOr(Schema.String),
  format: Schema.NullOr(ExportFormat),
  requestedAt: time,
  /** While it is made: items and bytes so far, and of how many. */
  progress: Schema.Unknown,
  madeAt: Schema.NullOr(time),
  expiresAt: Schema.NullOr(time),
  /** Items that are in it, collections included, and files of items. */
  items: Schema.NullOr(Schema.Int),
  files: Schema.NullOr(Schema.Int),
  /** Bytes of the export. */
  size: Schema.NullOr(Schema.Int),
  sha256: Schema.NullOr(Schema.String),
  skippedCount: Schema.NullOr(Schema.Int),
  /** The first thousand; a ZIP has all in its manifest.json, a JSON in `skipped`. */
  skipped: Schema.Array(Skipped)
}).annotate({ identifier: "Export" })
export type ExportView = typeof ExportView.Type

const ExportPage = Schema.Struct({
  exports: Schema.Array(ExportView),
  /** Hand it back as `cursor` for the next page; null on the last. */
  next: Schema.NullOr(Schema.String)
})

const ExportAnswer = Schema.Struct({ exportId: Schema.String, status: ExportStatus, message: Schema.String })

const params = { id: Schema.String }
const user = { user: UserName.annotate({ description: "Whose export it is." }) }
const reads = [...failures, BadRequest.problem] as const

export class Exports extends HttpApiGroup.make("exports")
  .add(
    HttpApiEndpoint.post("request", "/exports", {
      payload: Schema.Struct({ ...acting, ...exportFields }).check(picturesInZip),
      headers,
      success: Schema.Struct({ ...Receipt.fields, exportId: Schema.String }).pipe(accepted),
      error: submitting
    }).annotateMerge(
      says(
        "Have items exported",
        "As a ZIP of their files, the tree as folders; or what is known of them as CSV or JSON. A collection stands for everything below it, too."
      )
    ),
    HttpApiEndpoint.get("list", "/exports", {
      query: {
        ...user,
        limit,
        cursor: cursor(/^[0-9]{1,17}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u)
      },
      success: ExportPage,
      error: [BadRequest.problem, Unavailable.problem]
    }).annotateMerge(says("Exports of a user, newest first")),
    HttpApiEndpoint.get("get", "/exports/:id", {
      params,
      query: user,
      success: ExportView,
      error: reads
    }).annotateMerge(says("An export: how far it is, what is in it and what is not")),
    HttpApiEndpoint.get("content", "/exports/:id/content", {
      params,
      query: user,
      success: Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array()),
      error: [
        BadRequest.problem,
        NotFound.problem,
        Conflict.problem,
        Gone.problem,
        RangeNotSatisfiable.problem,
        Unavailable.problem
      ]
    }).annotateMerge(says("The export itself", "Ranges and If-None-Match are heeded; the ETag is the file's SHA-256.")),
    HttpApiEndpoint.delete("remove", "/exports/:id", {
      params,
      query: user,
      success: ExportAnswer.pipe(accepted),
      error: reads
    }).annotateMerge(says("Cancel an export that is under way, or remove one that has ended"))
  )
  .middleware(Authorization) {}
