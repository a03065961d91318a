/** Makes preview and thumbnail of an uploaded picture, in child processes that a bad file cannot take us down with. */
import { Context, Effect } from "effect"
import { done } from "../../domain/Outcome.ts"
import * as Actor from "../../runtime/Actor.ts"
import { convertBlob } from "../../services/images/convertBlob.ts"
import { mediaUploaded } from "../../topics/mediaUploaded.ts"
import type * as Topic from "../../topics/Topic.ts"

/** The folder in which the converter's files stand until they are blobs. */
export class ConverterFolder extends Context.Service<ConverterFolder, string>()("postroom/actors/ConverterFolder") {}

type Uploaded = Topic.ValueOf<typeof mediaUploaded>

const convert = Effect.fn("converter")(function* ({ sha256, name }: Uploaded) {
  const directory = yield* ConverterFolder
  const converted = yield* convertBlob(sha256, { directory })
  return done({ name, ...converted })
})

export const makeConverter = (off: string | null) =>
  Actor.make({
    name: "converter",
    topic: mediaUploaded,
    handler: (value: Uploaded) => convert(value),
    retry: { attempts: 3, backoffMs: 500, capMs: 10_000 },
    timeoutMs: 60_000,
    concurrency: 4,
    priority: "medium",
    off
  })
