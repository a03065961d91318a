/** `npm run fuzz`: bad input at the API and in the topics, from a seed. Ends with 1 where something was found. */
import { Cause, Effect, Fiber } from "effect"
import { readOptions, refuserOf, wholeNumberOf } from "../support/commandLine.ts"
import { fuzzHttp } from "./httpFuzz.ts"
import { fuzzRecords } from "./recordFuzz.ts"
import { findSchemathesis, runSchemathesis } from "./schemathesis.ts"
import type { Finding } from "./sending.ts"

const help = `npm run fuzz -- [options]

Sends generated requests to a program of its own and records straight into a topic, and judges what becomes of them.

  --requests N          HTTP requests (1000000; 0 leaves them out)
  --records N           records (1000000; 0 leaves them out)
  --seed S              what they are drawn from (1): the same seed draws the same
  --from I              number of the first one (0): with --requests 1 or --records 1, that one alone
  --connections N       connections that are kept busy at a time (128)
  --schemathesis PATH   the schemathesis to run besides; found on PATH where it is not named
  --examples N          its examples per operation (100; 0 leaves it out)
  --json                one line of JSON for machines
  --help                this text

Ends with 0 where nothing was found, with 1 where something was, with 2 where the options are wrong.`

const usage = refuserOf(help)

const values = readOptions(
  {
    requests: { type: "string", default: "1000000" },
    records: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    from: { type: "string", default: "0" },
    connections: { type: "string", default: "128" },
    schemathesis: { type: "string" },
    examples: { type: "string", default: "100" },
    json: { type: "boolean", default: false }
  },
  help
)

const [requests, records, seed, from, connections, examples] = (
  ["requests", "records", "seed", "from", "connections", "examples"] as const
).map((name) => wholeNumberOf(values, name, usage)) as [number, number, number, number, number, number]
if (connections === 0) usage("--connections takes a number above 0")

const say = (line: string): void => {
  if (!values.json) console.log(line)
}

/** Shows how far a part is, on one line of a terminal, at most four times a second. */
const progressOf = (what: string, count: number) => {
  const began = performance.now()
  let shown = 0
  return (sent: number, findings: number): void => {
    const now = performance.now()
    if (!process.stderr.isTTY || (now - shown < 250 && sent < count)) return
    shown = now
    const rate = Math.round((sent / (now - began)) * 1_000)
    process.stderr.write(`\r${what} ${sent} of ${count}, ${rate}/s, findings ${findings} ${sent < count ? "" : "\n"}`)
  }
}

const tell = (findings: ReadonlyArray<Finding>): void => {
  for (const { kind, fault, smallest, index, alone } of findings) {
    say(`FOUND ${fault} (${kind}, --seed ${seed} --from ${index}${alone ? ", also alone" : ""})\n  ${smallest}`)
  }
}

const counted = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ")

const program = Effect.gen(function* () {
  const http =
    requests === 0
      ? null
      : yield* fuzzHttp({ seed, from, count: requests, connections, progress: progressOf("requests", requests) })
  if (http !== null) {
    say(`${http.requests} requests in ${http.seconds.toFixed(0)} s, seed ${seed}: ${counted(http.statuses)}`)
    say(`  ${http.accepted} events accepted and ended; ${http.twoWays} posts by both ways, answered the same`)
    say(`  memory ${http.residentMib.before} → ${http.residentMib.after} MiB; findings ${http.findings.length}`)
    tell(http.findings)
  }
  const topic =
    records === 0 ? null : yield* fuzzRecords({ seed, from, count: records, progress: progressOf("records", records) })
  if (topic !== null) {
    say(`${topic.records} records in ${topic.seconds.toFixed(0)} s, seed ${seed}: ${counted(topic.states)}`)
    say(`  ${topic.repeats} repeats dropped, ${topic.deadLetters} dead letters`)
    say(`  memory ${topic.residentMib.before} → ${topic.residentMib.after} MiB; findings ${topic.findings.length}`)
    tell(topic.findings)
  }
  const place = examples === 0 ? null : findSchemathesis(values.schemathesis)
  if (place === null && values.schemathesis !== undefined) usage(`no program at ${values.schemathesis}`)
  const others = place === null ? null : yield* runSchemathesis(place, seed, examples)
  if (others === null) say("schemathesis is left out: it is not on PATH (--schemathesis names it)")
  else
    say(`schemathesis, all checks, ${others.seconds.toFixed(0)} s: ${others.passed ? "passed" : `\n${others.output}`}`)
  if (values.json) console.log(JSON.stringify({ seed, http, records: topic, schemathesis: others }))
  const findings = (http?.findings.length ?? 0) + (topic?.findings.length ?? 0)
  return findings > 0 || others?.passed === false ? 1 : 0
})

const running = Effect.runFork(program)
// Whoever ends it early leaves no program behind that nobody asks anything any more.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => Effect.runFork(Fiber.interrupt(running)))
// The test server lives on for a while, for the next run: this process does not wait for it.
process.exit(
  await Effect.runPromise(Effect.catchCauseIf(Fiber.join(running), Cause.hasInterruptsOnly, () => Effect.succeed(130)))
)
