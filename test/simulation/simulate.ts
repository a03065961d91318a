/**
 * `npm run simulate`: plays seeds and says what they broke. A failing seed is
 * shrunk, its history is written to `.simulation/`, and its plan is kept as a
 * regression file.
 */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { progressBar } from "../../src/cli/output.ts"
import { readOptions, refuserOf } from "../support/commandLine.ts"
import { planOf } from "./Plan.ts"
import { resume, save } from "./Progress.ts"
import { judge, linesOf, shrink } from "./shrink.ts"
import { add, summaryOf } from "./Tally.ts"
import { playInThreads } from "./threads.ts"
import type { Block } from "./threads.ts"

const help = `npm run simulate -- [options]

Plays whole installations with faults from seeds and judges their histories.

  --seeds N      how many (1000)
  --from S       the first one (0)
  --threads N    on so many threads (one per core)
  --minutes M    ends after so long, however many seeds are left
  --keep FILE    writes down how far it came; a second start with the same file goes on from there
  --replay       plays every seed twice and compares the histories
  --json         one line of JSON for machines
  --help         this text

Ends with 0 where nothing was found, with 1 where something was, with 2 where the options are wrong, with 130 after Ctrl-C.`

const refuse = refuserOf(help)

const values = readOptions(
  {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "0" },
    threads: { type: "string", default: String(os.availableParallelism()) },
    minutes: { type: "string", default: "1000000" },
    keep: { type: "string" },
    replay: { type: "boolean", default: false },
    json: { type: "boolean", default: false }
  },
  help
)

const numberOf = (name: "seeds" | "from" | "threads" | "minutes"): number =>
  /^\d{1,9}(\.\d+)?$/.test(values[name]) ? Number(values[name]) : refuse(`--${name} takes a number`)

const [seeds, from, threads, minutes] = (["seeds", "from", "threads", "minutes"] as const).map(numberOf) as [
  number,
  number,
  number,
  number
]

/** Shrinks what a seed broke, and keeps it. */
const keep = (seed: number): void => {
  const short = shrink(judge(planOf(seed)))
  const { invariant, detail, at } = short.violations[0]!
  const { plan, played } = short
  const regressions = path.join(import.meta.dirname, "regressions")
  const histories = path.join(import.meta.dirname, "../../.simulation")
  const name = `${invariant}-${plan.seed}`
  for (const folder of [regressions, histories]) fs.mkdirSync(folder, { recursive: true })
  fs.writeFileSync(path.join(regressions, `${name}.json`), `${JSON.stringify({ invariant, detail, plan }, null, 2)}\n`)
  fs.writeFileSync(path.join(histories, `${name}.jsonl`), `${linesOf(played)}\n`)
  console.log(`  shortest: ${plan.actions.length} actions, ${played.history.length} lines, line ${at}: ${detail}`)
  console.log(`  with ${plan.classes.join(" ")}; ${plan.workers} workers; kept as ${name}`)
}

const found = resume(values.keep, { from, seeds, replay: values.replay })
const progress = typeof found === "string" ? refuse(found) : found

/** Seeds in a block: enough that threads seldom wait, few enough that little is lost where a run is ended. */
const blockOf = 50
const saveEveryMs = 5_000

const secondsBefore = progress.seconds
const began = performance.now()

function* blocksLeft(): Generator<Block> {
  const done = new Set(progress.done)
  for (let first = from; first < from + seeds; first += blockOf) {
    if (performance.now() - began > minutes * 60_000) return
    const below = Math.min(first + blockOf, from + seeds)
    if (!done.has(first)) yield { from: first, below, twiceBelow: values.replay ? below : 0 }
  }
}

const bar = progressBar(seeds)
let savedAt = began

const write = (): void => {
  progress.seconds = secondsBefore + (performance.now() - began) / 1_000
  savedAt = performance.now()
  if (values.keep !== undefined) save(values.keep, progress)
}

const conclude = (): void => {
  write()
  bar.end()
  const summary = summaryOf(progress.tally, progress.seconds)
  console.log(values.json ? JSON.stringify(summary) : summary)
}

process.once("SIGINT", () => {
  conclude()
  process.exit(130)
})

/** Also those of earlier starts, which ended before they could be kept. */
const failing = () => new Set(progress.tally.broken.map(({ seed }) => seed))

await playInThreads(blocksLeft(), threads, (tally, block) => {
  add(progress.tally, tally)
  progress.done.push(block.from)
  for (const seed of new Set(tally.broken.map((one) => one.seed))) {
    const broken = tally.broken.filter((one) => one.seed === seed)
    const invariants = [...new Set(broken.map(({ invariant }) => invariant))]
    console.log(`seed ${seed} breaks ${invariants.join(" ")}: ${broken[0]!.detail}`)
  }
  for (const seed of tally.unequal) console.log(`seed ${seed} does not do the same again`)
  bar.update(progress.tally.seeds, `${failing().size} failed`)
  if (performance.now() - savedAt > saveEveryMs) write()
})
conclude()
for (const seed of failing()) keep(seed)
const { broken, unequal } = progress.tally
process.exitCode = broken.length > 0 || unequal.length > 0 ? 1 : 0
