/**
 * Makes one file of items that its requester sees when it is made. It streams
 * from store to store, is whole there before anybody sees it, and leaves nothing
 * where it is interrupted. Users do not wait for each other; of one user, one
 * export is made at a time.
 */
import { Clock, Effect, Stream } from "effect"
import type { SqlClient } from "effect/sql"
import { cancel, done, fail } from "../../domain/Outcome.ts"
import type { Outcome } from "../../domain/Outcome.ts"
import type { ExportRequest } from "../../domain/export/ExportRequest.ts"
import { isWholeOwner } from "../../domain/tree/Name.ts"
import * as Actor from "../../runtime/Actor.ts"
import type { TaskContext } from "../../runtime/TaskContext.ts"
import { Blobs } from "../../services/blobs/Blobs.ts"
import { keepExport, readStored } from "../../services/content/exports.ts"
import type { StoredExport } from "../../services/content/exports.ts"
import { archiveOf } from "../../services/exports/Archive.ts"
import { ExportLimits } from "../../services/exports/limits.ts"
import type { Images } from "../../services/images/Images.ts"
import type { WorkFolder } from "../../services/images/WorkFolder.ts"
import { exportsRequested } from "../../topics/exportsRequested.ts"
import { explainBlobs } from "../blobOutcome.ts"
import { entriesOf } from "./entries.ts"
import { csvBytes, jsonBytes } from "./listing.ts"
import { measure, planOf, requesterOf } from "./selection.ts"
import type { Plan, Requester } from "./selection.ts"
import { makeTally, within } from "./Tally.ts"
import type { Tally } from "./Tally.ts"

/** Of what was skipped, so much is kept with the export; a ZIP or JSON has all of it. */
const mostSkips = 1_000

const endOf = ({ sha256, size, items, files, skipped, expiresAt }: StoredExport): Outcome =>
  done({ sha256, size, items, files, skipped, expiresAt: new Date(expiresAt).toISOString() })

/** The export's bytes, made while they are read. */
const bytesOf = (request: ExportRequest, requester: Requester, plan: Plan, tally: Tally) => {
  switch (request.format) {
    case "zip":
      return archiveOf(entriesOf(request, requester, plan, tally))
    case "csv":
      return csvBytes(requester, plan, tally)
    case "json":
      return jsonBytes(requester, plan, tally)
  }
}

const make = Effect.fnUntraced(function* (request: ExportRequest, task: TaskContext) {
  const bounds = yield* ExportLimits
  const blobs = yield* Blobs
  const requester = yield* requesterOf(task.user, request.admin)
  const plan = yield* planOf(requester, request.selection)
  const extent = yield* measure(requester, plan)
  const expected = request.format === "zip" ? extent : { ...extent, bytes: 0 }
  yield* within(expected, bounds)
  const tally = makeTally(expected, bounds, task)
  const context = yield* Effect.context<Blobs | Images | WorkFolder | SqlClient.SqlClient>()
  const bytes = Stream.provideContext(bytesOf(request, requester, plan, tally), context)
  // Pictures that are made anew mostly become smaller: how much room they take is not known before.
  const staged = yield* blobs.stage(bytes, request.images === undefined ? { expected: expected.bytes } : {})
  const madeAt = yield* Clock.currentTimeMillis
  yield* keepExport(task.id, staged, {
    requestedBy: task.user,
    format: request.format,
    items: tally.items,
    files: tally.files,
    skipped: tally.skips.length,
    skips: tally.skips.slice(0, mostSkips),
    madeAt,
    expiresAt: madeAt + bounds.lifeMs
  })
})

const handle = Effect.fn("exporter")(
  function* (request: ExportRequest, task: TaskContext) {
    if (!isWholeOwner(task.user)) return fail("the record's key does not name a user")
    // A repeat, whose first run was not written down in time, has nothing left to do.
    if ((yield* readStored(task.id)) === null) yield* Effect.scoped(make(request, task))
    const stored = yield* readStored(task.id)
    return stored === null || stored.gone === "removed" ? cancel("removed by its requester") : endOf(stored)
  },
  Effect.catchTags({ BlobError: (error) => explainBlobs(error) })
)

export const makeExporter = (off: string | null) =>
  Actor.make({
    name: "exporter",
    topic: exportsRequested,
    handler: handle,
    retry: { attempts: 5, backoffMs: 2_000, capMs: 60_000 },
    // 20,000 MiB at 3 MiB/s.
    timeoutMs: 2 * 60 * 60_000,
    concurrency: 4,
    priority: "low",
    off
  })
