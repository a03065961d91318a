/** `postroom blobs`: what nobody refers to is removed, all files are read again, or they move to another store. */
import { Context, Effect, Layer } from "effect"
import type { Settings } from "../config/settings.ts"
import { Blobs } from "../services/blobs/Blobs.ts"
import { migrate } from "../services/content/migrate.ts"
import { sweep } from "../services/content/sweep.ts"
import { verify } from "../services/content/verify.ts"
import { layerBlobs, layerFolder, layerS3 } from "./blobStore.ts"
import { jsonLine, line } from "./output.ts"
import { layerJournal } from "./storage.ts"
import { WrongUsage } from "./usage.ts"

interface Said {
  readonly json: boolean
}

const layerFilesKnown = (settings: Settings) => Layer.mergeAll(layerJournal(settings), layerBlobs(settings))

const storeOf = <E>(store: Layer.Layer<Blobs, E>) =>
  Effect.map(Layer.build(store), (context) => Context.get(context, Blobs))

const silently = () => Effect.void

/** Removes files that nobody has referred to for longer than the grace. */
export const sweepBlobs = Effect.fn("blobs sweep")(function* (settings: Settings, { json }: Said) {
  const swept = yield* sweep({ orphans: true }).pipe(Effect.provide(layerFilesKnown(settings)))
  if (json) return jsonLine(swept)
  line(
    `${swept.removed + swept.orphans} files removed, ${swept.bytes} bytes; ${swept.marked} more once their grace is over`
  )
})

/** Reads files again; code 1 where some are missing or damaged. */
export const verifyBlobs = Effect.fn("blobs verify")(function* (
  settings: Settings,
  { sample, json }: Said & { readonly sample: number | null }
) {
  const found = yield* verify(sample, silently).pipe(Effect.provide(layerFilesKnown(settings)))
  const bad = found.missing.length + found.damaged.length
  if (json) jsonLine(found)
  else {
    for (const sha256 of found.missing) line(`missing  ${sha256}`)
    for (const sha256 of found.damaged) line(`damaged  ${sha256}`)
    line(`${found.checked} files read, ${found.missing.length} missing, ${found.damaged.length} damaged`)
  }
  return bad === 0 ? 0 : 1
})

/** Copies all files to the other store, the folder's to S3 or S3's to the folder; code 1 where some are damaged. */
export const migrateBlobs = Effect.fn("blobs migrate")(function* (
  settings: Settings,
  { to, json }: Said & { readonly to: "s3" | "folder" }
) {
  if (settings.blobsS3Url === null)
    return yield* new WrongUsage({ detail: "there is one store only: BLOBS_S3_URL names no other" })
  const folder = yield* storeOf(layerFolder(settings))
  const bucket = yield* storeOf(layerS3(settings))
  const [source, target] = to === "s3" ? [folder, bucket] : [bucket, folder]
  const found = yield* migrate(source, target, silently)
  if (json) jsonLine(found)
  else {
    for (const sha256 of found.damaged) line(`damaged  ${sha256}`)
    line(
      `${found.copied} files copied, ${found.bytes} bytes; ${found.known} were there, ${found.damaged.length} are damaged`
    )
  }
  return found.damaged.length === 0 ? 0 : 1
}, Effect.scoped)
