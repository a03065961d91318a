/** `postroom demo`: the pipeline once, and its report for people or machines. */
import { Effect } from "effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { readSettings } from "../config/settings.ts"
import { runDemo } from "./demo.ts"
import type { DemoReport } from "./demoReport.ts"
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

/** Runs the demo; code 1 when something is not as it should be. */
export const demoCommand = Effect.fn("demo")(function* (options: { readonly json: boolean }) {
  const settings = yield* readSettings
  const dataDir = yield* temporary
  if (!options.json) line("Three readers, eight sources, a flood, a lost answer and invalid JSON on the way …")
  const report = yield* runDemo({ ...settings, databaseUrl: null, dataDir })
  if (options.json) jsonLine(report)
  else print(report)
  return report.ok ? 0 : 1
}, Effect.scoped)
