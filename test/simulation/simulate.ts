/**
 * Plays seeds and says what they broke: `node test/simulation/simulate.ts
 * --seeds 1000 --from 0 [--minutes 25] [--replay] [--json]`. A
 * failing seed is shrunk, its history is written to `.simulation/`, and its
 * plan is kept as a regression file.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { parseArgs } from "node:util"
import { planOf } from "./Plan.ts"
import { judge, linesOf, shrink, traceOf } from "./shrink.ts"
import type { Found } from "./shrink.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "0" },
    /** Ends after so long, however many seeds are left. */
    minutes: { type: "string", default: "Infinity" },
    /** Plays every seed twice and compares the histories. */
    replay: { type: "boolean", default: false },
    json: { type: "boolean", default: false }
  }
})

const folder = path.join(import.meta.dirname, "regressions")
const histories = path.join(import.meta.dirname, "../../.simulation")

const keep = (found: Found): void => {
  const short = shrink(found)
  const { invariant, detail, at } = short.violations[0]!
  const { plan, played } = short
  fs.mkdirSync(folder, { recursive: true })
  fs.mkdirSync(histories, { recursive: true })
  const name = `${invariant}-${plan.seed}`
  fs.writeFileSync(path.join(folder, `${name}.json`), `${JSON.stringify({ invariant, detail, plan }, null, 2)}\n`)
  fs.writeFileSync(path.join(histories, `${name}.jsonl`), `${linesOf(played)}\n`)
  console.log(`  shortest: ${plan.actions.length} actions, ${played.history.length} lines, line ${at}: ${detail}`)
  console.log(`  with ${plan.classes.join(" ")}; ${plan.workers} workers; kept as ${name}`)
}

const points = new Map<string, { passed: number; hit: number }>()
const faults = new Map<string, number>()
const count = { steps: 0, lines: 0, virtualMs: 0, failed: 0, unequal: 0 }
const from = Number(values.from)
const began = performance.now()
let seed = from
const isOver = () => performance.now() - began > Number(values.minutes) * 60_000
for (; seed < from + Number(values.seeds) && !isOver(); seed++) {
  const found = judge(planOf(seed))
  const { played, violations } = found
  count.steps += played.steps
  for (const [kind, times] of played.faults) faults.set(kind, (faults.get(kind) ?? 0) + times)
  count.lines += played.history.length
  count.virtualMs += played.virtualMs
  for (const [name, { passed, hit }] of played.points) {
    const all = points.get(name) ?? { passed: 0, hit: 0 }
    points.set(name, { passed: all.passed + passed, hit: all.hit + hit })
  }
  if (values.replay && traceOf(found) !== traceOf(judge(planOf(seed)))) {
    count.unequal++
    console.log(`seed ${seed} does not do the same again`)
  }
  if (violations.length === 0) continue
  count.failed++
  const broken = [...new Set(violations.map(({ invariant }) => invariant))]
  console.log(`seed ${seed} breaks ${broken.join(" ")}: ${violations[0]!.detail}`)
  keep(found)
}
const seconds = (performance.now() - began) / 1_000
const tried = seed - from
const summary = {
  seeds: tried,
  failed: count.failed,
  unequal: count.unequal,
  perSecond: Math.round(tried / seconds),
  faults: Object.fromEntries([...faults].sort(([a], [b]) => (a < b ? -1 : 1))),
  stepsPerSeed: Math.round(count.steps / tried),
  linesPerSeed: Math.round(count.lines / tried),
  virtualHours: Math.round(count.virtualMs / 360_000) / 10,
  points: Object.fromEntries(
    [...points].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { passed, hit }]) => [name, `${hit}/${passed}`])
  )
}
console.log(values.json ? JSON.stringify(summary) : summary)
process.exitCode = count.failed > 0 || count.unequal > 0 ? 1 : 0
