/** `postroom queues`: what stands in them, pause and resume. */
import { Effect } from "effect"
import type { Settings } from "../config/settings.ts"
import { Journal } from "../journal/Journal.ts"
import { readQueues } from "../journal/sql/History.ts"
import { jsonLine, line, styled, table } from "./output.ts"
import { layerStorage } from "./storage.ts"

export const listQueues = Effect.fn("queues")(function* (settings: Settings, options: { readonly json: boolean }) {
  const queues = yield* readQueues.pipe(Effect.provide(layerStorage(settings)))
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

/** Pauses or resumes a queue; code 1 where there is none of that name. */
export const setQueue = Effect.fn("queues pause")(function* (settings: Settings, name: string, paused: boolean) {
  const known = yield* Effect.gen(function* () {
    const journal = yield* Journal
    const queues = yield* readQueues
    if (!queues.some((queue) => queue.name === name)) return queues.map((queue) => queue.name)
    yield* journal.pauseQueue(name, paused, "the command line")
    return null
  }).pipe(Effect.provide(layerStorage(settings)))
  line(
    known === null
      ? `${name} is ${paused ? "paused" : "running"}`
      : `there is no queue "${name}": known are ${known.join(", ")}`
  )
  return known === null ? 0 : 1
}, Effect.scoped)
