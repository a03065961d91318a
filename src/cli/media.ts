/** `postroom media rebuild`: pictures of an older recipe, or that are missing, are queued to be made anew. */
import { Clock, Duration, Effect } from "effect"
import { Broker } from "../broker/Broker.ts"
import { countOutdated, rebuild } from "../actors/converter/rebuild.ts"
import type { Settings } from "../config/settings.ts"
import { mediaBackfill } from "../topics/mediaBackfill.ts"
import { jsonLine, line, progressBar } from "./output.ts"
import { layerStorage } from "./storage.ts"

/** Queues what is outdated. Begun again on the same day, it queues nothing twice. */
export const rebuildPictures = Effect.fn("media rebuild")(function* (
  settings: Settings,
  { json }: { readonly json: boolean }
) {
  const pictures = yield* Effect.gen(function* () {
    const broker = yield* Broker
    const { name, partitions, retention } = mediaBackfill
    yield* broker.ensureTopics([{ name, partitions, retentionMs: Duration.toMillis(retention) }])
    const day = new Date(yield* Clock.currentTimeMillis).toISOString().slice(0, 10)
    const bar = progressBar(yield* countOutdated)
    const count = yield* rebuild(day, (done) => Effect.sync(() => bar.update(done, "queued")))
    bar.end()
    return count
  }).pipe(Effect.provide(layerStorage(settings)))
  if (json) jsonLine({ pictures })
  else line(`${pictures} pictures are queued to be made anew; \`postroom queues\` shows how many are left of them`)
}, Effect.scoped)
