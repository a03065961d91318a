/**
 * `npm run chaos -- --minutes M --seed S`: real processes under faults, and a
 * verdict. Ends with 1 where a promise was broken or no rest was found.
 */
import { Effect, Fiber } from "effect"
import type { Scope } from "effect"
import * as fs from "node:fs"
import { readOptions, refuserOf } from "../support/commandLine.ts"
import { runCampaign } from "./campaign.ts"
import { postgresBroker } from "./ChaosBroker.ts"
import type { ChaosBroker } from "./ChaosBroker.ts"
import { violationsOf } from "./check.ts"
import { reportOf } from "./chaosReport.ts"
import { faults } from "./faults.ts"
import { kafkaKinds, makeKafkaBroker } from "./kafkaBroker.ts"

const help = `npm run chaos -- [options]

Kills, freezes and cuts off a whole installation under load, lets it come to rest, and judges what is left.

  --minutes M    how long faults strike (3)
  --seed S       what is drawn from it: which faults, when, whom (1)
  --users N      users in all (10000)
  --rate R       steps per second (450)
  --every MS     from one fault to the next, on average (3400)
  --broker B     where the topics are: postgres (default) or kafka, one of the campaign's own
  --nodes N      of that Kafka: 1 (default) or 3
  --faults A,B   only these kinds: worker, group, leave, stop, api, client, postgres, backends, cut, hold, refuse,
                 disk, clock; with kafka also broker, line
  --report FILE  also write the report to FILE, as Markdown
  --json         answer in JSON
  --help         this text

Ends with 0 where nothing was found, with 1 where something was, with 2 where the options are wrong.`

const refuse = refuserOf(help)

const values = readOptions(
  {
    minutes: { type: "string", default: "3" },
    seed: { type: "string", default: "1" },
    users: { type: "string", default: "10000" },
    rate: { type: "string", default: "450" },
    every: { type: "string", default: "3400" },
    broker: { type: "string", default: "postgres" },
    nodes: { type: "string", default: "1" },
    faults: { type: "string" },
    report: { type: "string" },
    json: { type: "boolean", default: false }
  },
  help
)
const numberOf = (name: "minutes" | "seed" | "users" | "rate" | "every"): number => {
  const n = Number(values[name])
  return Number.isFinite(n) && n > 0 ? n : refuse(`--${name} is a number above 0, not "${values[name]}"`)
}
const brokers = new Map<string, Effect.Effect<ChaosBroker, unknown, Scope.Scope>>([
  ["postgres", Effect.succeed(postgresBroker)],
  ["kafka", makeKafkaBroker(values.nodes === "1" ? 1 : values.nodes === "3" ? 3 : refuse("--nodes is 1 or 3"))]
])
const broker = brokers.get(values.broker) ?? refuse(`--broker is one of ${[...brokers.keys()].join(", ")}`)

const allKinds = new Set([...faults.map(({ kind }) => kind), ...kafkaKinds])
const kinds = values.faults === undefined ? null : new Set(values.faults.split(","))
for (const kind of kinds ?? [])
  if (!allKinds.has(kind)) refuse(`--faults knows ${[...allKinds].join(", ")}, not "${kind}"`)

/** A line that is written over on a terminal; elsewhere only what has a line of its own. */
const onProgress = (line: string) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`)
  else if (line.endsWith("\n") || process.env["CHAOS_LOUD"] !== undefined) process.stderr.write(`${line.trimEnd()}\n`)
}

const campaign = Effect.runFork(
  runCampaign({
    broker,
    seed: numberOf("seed"),
    forMs: numberOf("minutes") * 60_000,
    everyMs: numberOf("every"),
    users: numberOf("users"),
    rate: numberOf("rate"),
    kinds,
    onProgress
  })
)
// Whoever ends it early leaves nothing behind either.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => Effect.runFork(Fiber.interrupt(campaign)))
const result = await Effect.runPromise(Fiber.join(campaign))
if (process.stderr.isTTY) process.stderr.write("\r\x1b[K")
const { verdict, restedMs } = result
const violations = violationsOf(verdict)
const isSound = violations.length === 0 && restedMs !== null
const found = [...violations.map(([name, n]) => `${n} ${name}`), ...(restedMs === null ? ["no rest was found"] : [])]
const more = [
  ...(values.broker === "postgres" ? [] : [`--broker ${values.broker} `]),
  ...(values.nodes === "1" ? [] : [`--nodes ${values.nodes} `]),
  ...(values.faults === undefined ? [] : [`--faults ${values.faults} `])
].join("")
const command = `npm run chaos -- ${more}--minutes ${values.minutes} --seed ${values.seed} --users ${values.users} --rate ${values.rate} --every ${values.every}`
if (values.report !== undefined) fs.writeFileSync(values.report, reportOf(command, result))
process.stdout.write(
  values.json
    ? `${JSON.stringify({ command, ...result })}\n`
    : `${isSound ? "sound" : `BROKEN (${found.join(", ")}; see ${result.home})`}: ${verdict.kept} events, ${verdict.published} posts, ${result.workersKilled} workers killed, ${Object.values(result.struck).reduce((a, b) => a + b, 0)} faults${restedMs === null ? "" : `, rest after ${(restedMs / 1000).toFixed(1)} s`}\n`
)
process.exit(isSound ? 0 : 1)
