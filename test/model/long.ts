/** `npm run model`: longer than the tests play it. Ends with 1 where the API and the model differ. */
import { Effect } from "effect"
import { readOptions, refuserOf, wholeNumberOf } from "../support/commandLine.ts"
import { check } from "./check.ts"

const help = `npm run model -- [options]

Plays sequences of commands against the HTTP API and a naive model. The first that differs is made short and printed.

  --runs N       how many sequences (200)
  --longest L    at most so many commands in one (40)
  --seed S       what they are drawn from (1)
  --help         this text

Ends with 0 where nothing differs, with 1 where something does, with 2 where the options are wrong.`

const refuse = refuserOf(help)
const values = readOptions(
  {
    runs: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    longest: { type: "string", default: "40" }
  },
  help
)
const [runs, seed, longest] = (["runs", "seed", "longest"] as const).map((name) =>
  wholeNumberOf(values, name, refuse)
) as [number, number, number]

const began = performance.now()
const progress = (run: number) => {
  if (process.stderr.isTTY) process.stderr.write(`\r${run} sequences`)
}

const program = check({
  runs,
  seed,
  longest,
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
