/**
 * Makes preview and thumbnail of an uploaded picture, in child processes that a
 * bad file cannot take us down with. Bytes that were converted before are not
 * converted again; bytes that kill the decoder again and again are refused.
 */
import { Context, Effect } from "effect"
import { done, fail } from "../../domain/Outcome.ts"
import * as Actor from "../../runtime/Actor.ts"
import { Blobs } from "../../services/blobs/Blobs.ts"
import { convertBlob } from "../../services/images/convertBlob.ts"
import type { ConvertedBlob } from "../../services/images/convertBlob.ts"
import { recipeId, currentRecipe } from "../../services/images/Recipe.ts"
import { mediaUploaded } from "../../topics/mediaUploaded.ts"
import type * as Topic from "../../topics/Topic.ts"
import { countCrash, keepConversion, knownConversion, mostCrashes } from "./conversions.ts"

/** The folder in which the converter's files stand until they are blobs. */
export class ConverterFolder extends Context.Service<ConverterFolder, string>()("postroom/actors/ConverterFolder") {}

type Uploaded = Topic.ValueOf<typeof mediaUploaded>

const recipe = recipeId(currentRecipe)

/** An earlier result, where its files are still there. */
const earlier = (result: string | null) =>
  Effect.gen(function* () {
    if (result === null) return null
    const blobs = yield* Blobs
    const converted = JSON.parse(result) as ConvertedBlob
    return yield* Effect.all([blobs.head(converted.preview.sha256), blobs.head(converted.thumbnail.sha256)]).pipe(
      Effect.as(converted),
      Effect.catchTag("BlobError", () => Effect.succeed(null))
    )
  })

const quarantined = (crashes: number) =>
  fail(`in quarantine: the picture killed the decoder ${crashes} times`, { crashes })

const convert = Effect.fn("converter")(function* ({ sha256, name }: Uploaded) {
  const known = yield* knownConversion(sha256, recipe)
  if (known.crashes >= mostCrashes) return quarantined(known.crashes)
  const before = yield* earlier(known.result)
  if (before !== null) return done({ name, ...before, reused: true })
  const directory = yield* ConverterFolder
  const converted = yield* convertBlob(sha256, { directory }).pipe(
    Effect.tapError((error) =>
      error._tag === "ImageError" && error.reason._tag === "WorkerCrashed" ? countCrash(sha256, recipe) : Effect.void
    )
  )
  yield* keepConversion(sha256, recipe, JSON.stringify(converted))
  return done({ name, ...converted, reused: false })
})

export const makeConverter = (off: string | null) =>
  Actor.make({
    name: "converter",
    topic: mediaUploaded,
    handler: (value: Uploaded) => convert(value),
    retry: { attempts: mostCrashes + 1, backoffMs: 500, capMs: 10_000 },
    timeoutMs: 60_000,
    concurrency: 4,
    priority: "medium",
    off
  })
