/** `postroom demo`: the pipeline once, and its report for people or machines. */
import { Data, Effect } from "effect"
import { randomUUID } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { readSettings } from "../config/settings.ts"
import type { Settings } from "../config/settings.ts"
import { runDemo } from "./demo.ts"
import type { DemoReport } from "./demoReport.ts"
import { removeTopics } from "./storage.ts"
import { jsonLine, line, short, styled, table } from "./output.ts"

const temporary = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "postroom-demo-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
)

const shownDrops = 5

const print = (report: DemoReport): void => {
  table(
    ["stage", "tasks", "succeeded", "failed", "tried again", "median"],
    report.stages.map((stage) => [
      stage.queue,
      String(stage.tasks),
      String(stage.succeeded),
      String(stage.failed),
      String(stage.retried),
      `${stage.medianMs} ms`
    ])
  )
  line("")
  line(
    `${report.posts} posts found, ${report.published} of ${report.expected} published, ${report.withPictures} with pictures, in ${report.seconds} s`
  )
  line(`${report.ads} advertisements and ${report.duplicates} duplicates dropped, for example:`)
  for (const drop of report.dropped.slice(0, shownDrops)) line(`  ${short(`${drop.post}: ${drop.reason}`, 110)}`)
  line(`${report.converted} photographs converted; ${report.modelCalls} calls to the models`)
  line("")
  const bad = [
    ...report.lost.map((what) => `lost: ${what}`),
    ...report.doubled.map((what) => `published twice: ${what}`),
    ...report.outOfOrder.map((what) => `out of order: ${what}`),
    ...report.unexpected.map((what) => `should not have been published: ${what}`),
    ...report.failures.map((what) => `failed: ${what}`)
  ]
  for (const what of bad) line(styled("red", what))
  line(
    report.ok
      ? styled("green", "0 lost, 0 doubled, 0 out of order.")
      : styled("red", `${bad.length} things went wrong.`)
  )
}

/** Kafka was asked for, and nothing says where it is. */
export class NoKafka extends Data.TaggedError("NoKafka")<{}> {
  override get message() {
    return "--broker kafka needs to know where Kafka is: set KAFKA_BROKERS, for example to localhost:9092"
  }
}

/** Topics of its own in the Kafka of the settings; removed at the end. */
const ownTopics = (settings: Settings) =>
  Effect.acquireRelease(
    Effect.sync((): Settings => ({ ...settings, kafkaPrefix: `${settings.kafkaPrefix}demo-${randomUUID()}.` })),
    (own) => Effect.ignore(removeTopics(own))
  )

export interface DemoOptions {
  readonly json: boolean
  readonly broker: "postgres" | "kafka"
}

/** Runs the demo; code 1 when something is not as it should be. */
export const demoCommand = Effect.fn("demo")(function* (options: DemoOptions) {
  const read = yield* readSettings
  if (options.broker === "kafka" && read.kafkaBrokers === null) return yield* new NoKafka()
  const settings = options.broker === "kafka" ? yield* ownTopics(read) : { ...read, kafkaBrokers: null }
  const dataDir = yield* temporary
  if (!options.json) line("Three readers, eight sources, a flood, a lost answer and invalid JSON on the way …")
  const report = yield* runDemo({ ...settings, databaseUrl: null, dataDir })
  if (options.json) jsonLine(report)
  else print(report)
  return report.ok ? 0 : 1
}, Effect.scoped)
