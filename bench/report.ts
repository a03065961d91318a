/**
 * `node bench/report.ts RESULTS DOCUMENT`: puts the figures of a run (the JSON
 * lines of `bench/main.ts --json`) between the marks of a Markdown file.
 */
import * as fs from "node:fs"
import type { Figures } from "./support/Figures.ts"
import { markdownOf } from "./support/table.ts"

const begin = "<!-- figures -->"
const end = "<!-- /figures -->"

const [, , results, document] = process.argv
if (results === undefined || document === undefined) {
  process.stderr.write("node bench/report.ts RESULTS DOCUMENT\n")
  process.exit(2)
}
const lines = fs
  .readFileSync(results, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Record<string, unknown>)
const machine = lines.find(({ scenario }) => scenario === "machine")
const figures = lines.filter(({ scenario }) => scenario !== "machine") as unknown as ReadonlyArray<Figures>
const text = fs.readFileSync(document, "utf8")
const [before, after] = [text.split(begin)[0], text.split(end)[1]]
if (before === text || after === undefined) {
  process.stderr.write(`${document} has no marks ${begin} and ${end}\n`)
  process.exit(1)
}
const where =
  machine === undefined
    ? ""
    : `${String(machine["cpus"])} cores (${String(machine["model"])}), ${String(machine["memoryGb"])} GB, Linux ${String(machine["kernel"])}, Node ${String(machine["node"])}, ${String(machine["date"])}.\n\n`
fs.writeFileSync(document, `${before}${begin}\n${where}${markdownOf(figures)}\n${end}${after}`)
