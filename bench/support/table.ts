/** Figures for eyes: one row per case, medians and ranges where it ran more than once. */
import type { Figures } from "./Figures.ts"
import { quantile } from "./Figures.ts"

/** Names of the figures that a case may have, in the order of the report. */
const columns: Readonly<Record<string, string>> = {
  tasksPerSecond: "tasks/s",
  imagesPerSecond: "images/s",
  seconds: "s",
  itemsPerSecond: "items/s",
  serverCpuSeconds: "CPU s of PostgreSQL",
  rowByRowSeconds: "row by row s",
  ratioToRowByRow: "times faster",
  otherOwnerP99Ms: "another owner's p99 ms",
  idealSeconds: "ideal s",
  p50Ms: "p50 ms",
  p95Ms: "p95 ms",
  p99Ms: "p99 ms",
  maxMs: "max ms",
  quietP95Ms: "p95 alone ms",
  ratioP95: "p95 ratio",
  ackP50Ms: "ack p50 ms",
  ackP99Ms: "ack p99 ms",
  ackToStartP50Ms: "ack to start p50 ms",
  ackToStartP99Ms: "ack to start p99 ms",
  firstMs: "first ms",
  secondMs: "second ms",
  workerMs: "one worker ms",
  interruptedMs: "interrupted again ms",
  interrupted: "interrupted",
  ranAgain: "run again",
  cpuPercent: "% of a core",
  serverCpuPercent: "% of a core, PostgreSQL",
  rssMb: "peak MB",
  cpuMsPerTask: "CPU ms/task",
  walBytesPerTask: "WAL bytes/task",
  cpuMsPerImage: "CPU ms/image",
  childMb: "a decoder's peak MB",
  msPerUpload: "ms/upload",
  decodes: "decodes",
  stillLargeWaiting: "large ones still waiting",
  orderViolations: "out of order",
  reordered: "reordered",
  lost: "lost",
  doubled: "doubled",
  refused: "refused"
}

const shown = (value: number): string => value.toLocaleString("en-US", { maximumFractionDigits: value < 1 ? 4 : 2 })

const cell = (values: ReadonlyArray<number>): string => {
  const sorted = [...values].sort((a, b) => a - b)
  const [low, middle, high] = [sorted[0]!, quantile(sorted, 0.5), sorted.at(-1)!]
  return low === high ? shown(low) : `${shown(middle)} (${shown(low)}–${shown(high)})`
}

interface Row {
  readonly name: string
  readonly cells: ReadonlyArray<readonly [column: string, text: string]>
}

const rowsOf = (results: ReadonlyArray<Figures>): ReadonlyArray<Row> => {
  const groups = Map.groupBy(results, ({ scenario, variant }) => `${scenario}: ${variant}`)
  return [...groups].map(([name, group]) => ({
    name,
    cells: Object.entries(columns).flatMap(([key, label]) => {
      const values = group.map((figures) => figures[key]).filter((value) => typeof value === "number")
      return values.length === 0 ? [] : [[label, cell(values)] as const]
    })
  }))
}

/** Lines of the form `scenario: variant` with their figures below. */
export const tableOf = (results: ReadonlyArray<Figures>): string =>
  rowsOf(results)
    .map(({ name, cells }) => [name, ...cells.map(([label, text]) => `  ${label.padEnd(22)}${text}`)].join("\n"))
    .join("\n\n")

/** The same as a Markdown table: case, then its figures. */
export const markdownOf = (results: ReadonlyArray<Figures>): string =>
  [
    "| case | figures |",
    "|---|---|",
    ...rowsOf(results).map(
      ({ name, cells }) => `| ${name} | ${cells.map(([label, text]) => `${label} ${text}`).join("; ")} |`
    )
  ].join("\n")
