/** `node test/chaos/kill.ts`: one drill, its verdict, and how soon work went on. */
import { Effect } from "effect"
import { readOptions, refuserOf, wholeNumberOf } from "../support/commandLine.ts"
import { isClean } from "./check.ts"
import { runDrill } from "./drill.ts"
import type { DrillMode } from "./drill.ts"

const modes: ReadonlyArray<string> = ["worker", "group", "database"] satisfies ReadonlyArray<DrillMode>

const help = `node test/chaos/kill.ts [options]

Kills one part of an installation again and again, and prints a line of JSON: the verdict, and how soon work went on.

  --kills N   how often (50)
  --mode M    what: worker (default), group or database
  --seed S    what times and victims are drawn from (1)
  --help      this text

Ends with 0 where nothing was found, with 1 where something was, with 2 where the options are wrong.`

const refuse = refuserOf(help)
const values = readOptions(
  {
    kills: { type: "string", default: "50" },
    mode: { type: "string", default: "worker" },
    seed: { type: "string", default: "1" }
  },
  help
)
if (!modes.includes(values.mode)) refuse(`--mode is one of ${modes.join(", ")}`)
const [kills, seed] = (["kills", "seed"] as const).map((name) => wholeNumberOf(values, name, refuse)) as [
  number,
  number
]

const spread = (times: ReadonlyArray<number>) => {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN)
  return { n: sorted.length, p50: at(0.5), p99: at(0.99) }
}

const { verdict, recovery } = await Effect.runPromise(runDrill({ mode: values.mode as DrillMode, kills, seed }))
const { firstMs, interruptedMs, cutOff, overtaken } = recovery
process.stdout.write(
  `${JSON.stringify({
    mode: values.mode,
    kills,
    seed,
    ...verdict,
    cutOff,
    overtaken,
    firstMs: spread(firstMs),
    interruptedMs: spread(interruptedMs)
  })}\n`
)
process.exit(isClean(verdict) ? 0 : 1)
