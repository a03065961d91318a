/** `postroom exports`: those of a user, and what is in one, written to a file. */
import { Data, Effect, Layer, Stream } from "effect"
import * as fs from "node:fs"
import { listExports, readExport } from "../api/items/exportReads.ts"
import type { Settings } from "../config/settings.ts"
import { isUuid } from "../domain/ids.ts"
import { Blobs } from "../services/blobs/Blobs.ts"
import { layerBlobs } from "./blobStore.ts"
import { jsonLine, line, short, status, table, when } from "./output.ts"
import { layerJournal } from "./storage.ts"

/** There is nothing to be written. */
export class NoExport extends Data.TaggedError("NoExport")<{ readonly detail: string }> {
  override get message() {
    return this.detail
  }
}

/** Lists a user's exports, newest first. */
export const listOwn = Effect.fn("exports")(function* (
  settings: Settings,
  { user, limit, json }: { readonly user: string; readonly limit: number; readonly json: boolean }
) {
  const { exports } = yield* listExports(user, null, limit).pipe(Effect.provide(layerJournal(settings)))
  if (json) return exports.forEach(jsonLine)
  table(
    ["export", "format", "status", "requested", "items", "bytes", "skipped", "expires", "reason"],
    exports.map((one) => [
      one.id,
      one.format ?? "",
      status(one.status),
      when(one.requestedAt),
      String(one.items ?? ""),
      String(one.size ?? ""),
      String(one.skippedCount ?? ""),
      when(one.expiresAt),
      short(one.reason ?? "", 60)
    ])
  )
}, Effect.scoped)

export interface FetchOptions {
  readonly id: string
  readonly user: string
  readonly out: string
  readonly json: boolean
}

/** Writes an export to a file, which appears when it is complete. */
export const fetchExport = Effect.fn("exports fetch")(function* (settings: Settings, options: FetchOptions) {
  const { id, user, out, json } = options
  const found = yield* Effect.gen(function* () {
    const one = isUuid(id) ? yield* readExport(user, id) : null
    if (one === null) return yield* new NoExport({ detail: `${user} has no export ${id}` })
    if (one.sha256 === null)
      return yield* new NoExport({
        detail: `the export is ${one.status}${one.reason === null ? "" : `: ${one.reason}`}`
      })
    const blobs = yield* Blobs
    const part = `${out}.part`
    const onDisk = <A>(call: () => A) =>
      Effect.try({ try: call, catch: (cause) => new NoExport({ detail: (cause as Error).message }) })
    const file = yield* Effect.acquireRelease(
      onDisk(() => fs.openSync(part, "w")),
      (open) => Effect.sync(() => fs.closeSync(open))
    )
    yield* Stream.runForEach(blobs.get(one.sha256), (bytes) => onDisk(() => void fs.writeFileSync(file, bytes)))
    yield* onDisk(() => fs.renameSync(part, out))
    return one
  }).pipe(Effect.scoped, Effect.provide(Layer.mergeAll(layerJournal(settings), layerBlobs(settings))))
  if (json) jsonLine({ exportId: id, file: out, size: found.size, sha256: found.sha256 })
  else line(`${out}: ${found.items} items, ${found.size} bytes, ${found.skippedCount} skipped`)
}, Effect.scoped)
