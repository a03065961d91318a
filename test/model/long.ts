/** `npm run model`: longer than the tests play it. Ends with 1 where the API and the model differ. */
import { Effect } from "effect"
import { parseArgs } from "node:util"
import { check } from "./check.ts"

const help = `npm run model -- [--runs N] [--seed S] [--longest L]

Plays N sequences (200) of at most L commands (40) drawn from a seed (1) against the HTTP API and a naive model.
The first sequence that differs is made short and printed with its seed; the command ends with 1 then.`

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    longest: { type: "string", default: "40" },
    help: { type: "boolean", default: false }
  }
})

if (values.help) {
  console.log(help)
  process.exit(0)
}

const began = performance.now()
const progress = (run: number) => {
  if (process.stderr.isTTY) process.stderr.write(`\r${run} sequences`)
}

const program = check({
  runs: Number(values.runs),
  seed: Number(values.seed),
  longest: Number(values.longest),
  progress,
  found: (words) => process.stderr.write(`\nfound, and made short now: ${words.split("\n", 1)[0]}\n`)
}).pipe(
  Effect.map(({ runs, commands }) => {
    console.log(
      `${runs} sequences, ${commands} commands, ${((performance.now() - began) / 1_000).toFixed(0)} s: no difference`
    )
    return 0
  }),
  Effect.catchCause((cause) => Effect.sync(() => (console.error(String(cause)), 1))),
  Effect.scoped
)

// The test server lives on for a while, for the next run: this process does not wait for it.
process.exit(await Effect.runPromise(program as Effect.Effect<number>))
