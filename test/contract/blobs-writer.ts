/** Puts blobs into the folder of its first argument until it is killed; with `once`, one of 4 MB, and reports. */
import { Effect, Stream } from "effect"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { Blobs } from "../../src/services/blobs/Blobs.ts"
import { layerFileBlobs } from "../../src/services/blobs/FileBlobs.ts"

const [, , folder = "", mode] = process.argv

const once = Effect.gen(function* () {
  const blobs = yield* Blobs
  const chunks = Stream.fromIterable(Array.from({ length: 64 }, () => new Uint8Array(randomBytes(65_536))))
  const error = yield* Effect.flip(blobs.put(chunks))
  const left = fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
  console.log(JSON.stringify({ reason: error.reason._tag, left }))
})

const many = Blobs.use((blobs) =>
  Effect.forever(
    Effect.tap(blobs.put(new Uint8Array(randomBytes(200_000))), ({ sha256 }) => Effect.sync(() => console.log(sha256)))
  )
)

const work: Effect.Effect<void, unknown, Blobs> =
  mode === "once" ? once : Effect.all([many, many, many], { concurrency: 3, discard: true })

await Effect.runPromise(work.pipe(Effect.provide(layerFileBlobs({ folder }))))
