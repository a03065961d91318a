/** `node test/chaos/kill.ts --kills 50 --mode worker|group|database --seed S`: one drill, its verdict, and how soon work went on. */
import { Effect } from "effect"
import { parseArgs } from "node:util"
import { isClean } from "./check.ts"
import { runDrill } from "./drill.ts"
import type { DrillMode } from "./drill.ts"

const modes: ReadonlyArray<string> = ["worker", "group", "database"] satisfies ReadonlyArray<DrillMode>

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "50" },
    mode: { type: "string", default: "worker" },
    seed: { type: "string", default: "1" }
  }
})
if (!modes.includes(values.mode)) {
  process.stderr.write(`--mode is one of ${modes.join(", ")}\n`)
  process.exit(2)
}

const spread = (times: ReadonlyArray<number>) => {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN)
  return { n: sorted.length, p50: at(0.5), p99: at(0.99) }
}

const { verdict, recovery } = await Effect.runPromise(
  runDrill({ mode: values.mode as DrillMode, kills: Number(values.kills), seed: Number(values.seed) })
)
const { firstMs, interruptedMs, cutOff, overtaken } = recovery
process.stdout.write(
  `${JSON.stringify({
    mode: values.mode,
    kills: Number(values.kills),
    seed: Number(values.seed),
    ...verdict,
    cutOff,
    overtaken,
    firstMs: spread(firstMs),
    interruptedMs: spread(interruptedMs)
  })}\n`
)
process.exit(isClean(verdict) ? 0 : 1)
