/** `postroom queues`: what stands in them, pause and resume. */
import { Effect } from "effect"
import type { Settings } from "../config/settings.ts"
import { Journal } from "../journal/Journal.ts"
import { readQueues } from "../journal/sql/History.ts"
import { jsonLine, line, styled, table } from "./output.ts"
import { layerJournal } from "./storage.ts"
import { WrongUsage } from "./usage.ts"

export const listQueues = Effect.fn("queues")(function* (settings: Settings, options: { readonly json: boolean }) {
  const queues = yield* readQueues.pipe(Effect.provide(layerJournal(settings)))
  if (options.json) return queues.forEach(jsonLine)
  table(
    ["queue", "topic", "priority", "unread", "queued", "running", "failed", "owners", ""],
    queues.map((queue) => [
      queue.name,
      queue.topic,
      queue.priority,
      String(queue.unread),
      String(queue.queued),
      String(queue.running),
      String(queue.failed),
      String(queue.owners),
      queue.off !== null ? styled("yellow", `off: ${queue.off}`) : queue.paused ? styled("yellow", "paused") : ""
    ])
  )
}, Effect.scoped)

/** Pauses or resumes a queue. */
export const setQueue = Effect.fn("queues pause")(function* (
  settings: Settings,
  { name, paused, json }: { readonly name: string; readonly paused: boolean; readonly json: boolean }
) {
  yield* Effect.gen(function* () {
    const journal = yield* Journal
    const known = (yield* readQueues).map((queue) => queue.name)
    if (!known.includes(name)) {
      return yield* new WrongUsage({
        detail: `there is no queue "${name}": known are ${known.length === 0 ? "none yet, start Postroom first" : known.join(", ")}`
      })
    }
    yield* journal.pauseQueue(name, paused, "the command line")
  }).pipe(Effect.provide(layerJournal(settings)))
  if (json) jsonLine({ name, paused })
  else line(`${name} is ${paused ? "paused" : "running"}`)
  return 0
}, Effect.scoped)
