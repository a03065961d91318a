/**
 * `npm run bench -- SCENARIO [--broker postgres|kafka] [--json] [--quick] [--times N]`.
 * Each case runs in a process of its own, so that no case pays for the memory
 * or the warmed-up code of another.
 */
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { casesOf, scenarioNames } from "./cases.ts"
import type { Figures } from "./support/Figures.ts"
import { tableOf } from "./support/table.ts"

const usage = `npm run bench -- SCENARIO [--broker postgres|kafka] [--json] [--quick] [--times N]

Scenarios: ${scenarioNames.join(", ")}, all
  --json       one JSON object per line instead of a table
  --quick      small sizes, to see that it works
  --times N    run every case N times, in turns
  --workers N  worker processes of noop and keyed (1)
  --partitions N  of the topics (12)
  --broker     where the topics are (postgres); kafka: the one of KAFKA_BROKERS, or one started for it

What each scenario measures: docs/BENCHMARKS.md`

const refuse = (why: string): never => {
  process.stderr.write(`${why}\n\n${usage}\n`)
  process.exit(2)
}

const options = {
  broker: { type: "string", default: "postgres" },
  json: { type: "boolean", default: false },
  quick: { type: "boolean", default: false },
  times: { type: "string", default: "1" },
  workers: { type: "string", default: "1" },
  partitions: { type: "string", default: "12" },
  case: { type: "string" },
  help: { type: "boolean", default: false }
} as const

const parse = () => {
  try {
    return parseArgs({ options, allowPositionals: true })
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}

const { values, positionals } = parse()
const [scenario] = positionals

const machine = {
  scenario: "machine",
  cpus: os.cpus().length,
  model: os.cpus()[0]?.model.trim() ?? "",
  memoryGb: Math.round(os.totalmem() / 2 ** 30),
  node: process.version,
  kernel: os.release(),
  date: new Date().toISOString().slice(0, 10)
}

const print = (line: unknown) => fs.writeFileSync(1, `${JSON.stringify(line)}\n`)

/** One case in a process of its own; null when it failed, which the process has explained. */
const runApart = (name: string, index: number, kafka: string | null): ReadonlyArray<Figures> | null => {
  const args = [fileURLToPath(import.meta.url), name, "--case", String(index), ...(values.quick ? ["--quick"] : [])]
  const { stdout, status } = spawnSync(process.execPath, args, {
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
    env: {
      ...process.env,
      BENCH_WORKERS: values.workers,
      BENCH_PARTITIONS: values.partitions,
      ...(kafka === null ? {} : { BENCH_KAFKA: kafka })
    }
  })
  return status === 0
    ? [JSON.parse(stdout.trim().split("\n").at(-1)!) as Figures | ReadonlyArray<Figures>].flat()
    : null
}

const runAll = (names: ReadonlyArray<string>, times: number, kafka: string | null): number => {
  const cases = casesOf(values.quick)
  const results: Array<Figures> = []
  let failed = 0
  if (values.json) print(machine)
  for (let turn = 0; turn < times; turn++) {
    for (const name of names) {
      for (const index of cases[name]!.keys()) {
        if (kafka !== null && leftOut.has(`${name}/${index}`)) continue
        const figures = runApart(name, index, kafka)
        if (figures === null) failed++
        results.push(...(figures ?? []))
        if (values.json) figures?.forEach(print)
      }
    }
  }
  if (!values.json) process.stdout.write(`${tableOf(results)}\n`)
  return failed === 0 ? 0 : 1
}

/** What does not depend on where the topics are, or starts the product by its command. */
const leftOut = new Set(["enqueue/3", "enqueue/4", "convert/0", "convert/1", "startup/0"])

/** A broker of one node for the measurement: the one of KAFKA_BROKERS, or one that ends with it. */
const withKafka = (run: (kafka: string) => number): Promise<number> => {
  const given = process.env["KAFKA_BROKERS"]
  if (given !== undefined && given !== "") return Promise.resolve(run(given))
  return Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(
        Effect.promise(() => import("../test/support/kafka/startKafka.ts")),
        ({ startKafka }) => Effect.map(startKafka(), ({ bootstrap }) => run(bootstrap.join(",")))
      )
    )
  )
}

if (values.help) {
  process.stdout.write(`${usage}\n`)
} else if (values.broker !== "postgres" && values.broker !== "kafka") {
  refuse(`--broker is postgres or kafka, not "${values.broker}"`)
} else if (
  scenario === undefined ||
  positionals.length > 1 ||
  !(scenario === "all" || scenarioNames.includes(scenario))
) {
  refuse(scenario === undefined ? "Which scenario?" : `There is no scenario "${positionals.join(" ")}"`)
} else if (values.case !== undefined) {
  print(await Effect.runPromise(casesOf(values.quick)[scenario]![Number(values.case)]!))
  process.exit(0)
} else {
  const times = Number(values.times)
  for (const name of ["times", "workers", "partitions"] as const) {
    if (!/^[1-9]\d{0,3}$/.test(values[name])) refuse(`--${name} takes a whole number from 1`)
  }
  const names = scenario === "all" ? scenarioNames : [scenario]
  const code =
    values.broker === "kafka" ? await withKafka((kafka) => runAll(names, times, kafka)) : runAll(names, times, null)
  process.exit(code)
}
