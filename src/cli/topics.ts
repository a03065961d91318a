/** `postroom topics`: what stands in them and how far each queue is, and more partitions for one. */
import { Data, Effect } from "effect"
import type { Settings } from "../config/settings.ts"
import { growthOf, readTopics } from "./growth.ts"
import { jsonLine, line, table } from "./output.ts"
import { addPartitionsBy, layerJournal, layerStorage } from "./storage.ts"
import { WrongUsage } from "./usage.ts"

export const listTopics = Effect.fn("topics")(function* (settings: Settings, options: { readonly json: boolean }) {
  const topics = yield* readTopics.pipe(Effect.provide(layerJournal(settings)))
  if (options.json) return topics.forEach(jsonLine)
  table(
    ["topic", "partitions", "records", "lag"],
    topics.map((topic) => [
      topic.name,
      String(topic.partitions),
      String(topic.records),
      topic.queues.map(({ name, lag }) => `${name} ${lag}`).join(", ")
    ])
  )
}, Effect.scoped)

/** The topic has not grown. */
export class NotGrown extends Data.TaggedError("NotGrown")<{ readonly topic: string; readonly detail: string }> {
  override get message() {
    return `"${this.topic}" has as many partitions as before: ${this.detail}`
  }
}

export interface GrowOptions {
  readonly name: string
  readonly partitions: number
  /** How long it may take until nothing of the topic is under way, s. */
  readonly patience: number
  readonly json: boolean
}

/** Adds partitions to a topic, once nothing of it is under way. */
export const growTopic = Effect.fn("topics grow")(function* (settings: Settings, options: GrowOptions) {
  const { name, partitions, json } = options
  const before = yield* Effect.gen(function* () {
    const topics = yield* readTopics
    const topic = topics.find((one) => one.name === name)
    if (topic === undefined) {
      const known = topics.length === 0 ? "none yet, start Postroom first" : topics.map((one) => one.name).join(", ")
      return yield* new WrongUsage({ detail: `there is no topic "${name}": known are ${known}` })
    }
    if (partitions < topic.partitions) {
      const detail = `"${name}" has ${topic.partitions} partitions, and none can be taken away`
      return yield* new WrongUsage({ detail })
    }
    if (partitions === topic.partitions) return topic.partitions
    const growth = { name, partitions, patienceMs: options.patience * 1_000 }
    const what = yield* growthOf(growth, addPartitionsBy(settings))
    if (what !== null) return yield* new NotGrown({ topic: name, detail: what })
    return topic.partitions
  }).pipe(Effect.provide(layerStorage(settings)))
  if (json) jsonLine({ name, partitions, before })
  else if (partitions === before) line(`${name} has ${partitions} partitions already`)
  else line(`${name} has ${partitions} partitions, ${before} before`)
  return 0
}, Effect.scoped)
