/**
 * How many seeds it takes to break an invariant, from several first seeds on:
 * `node test/simulation/hunt.ts --invariant I3 --starts 5 --seeds 2000` prints
 * a line for each, `none` where it was not broken. The planted bugs are looked
 * for with it.
 */
import { parseArgs } from "node:util"
import { planOf } from "./Plan.ts"
import { judge } from "./shrink.ts"

const { values } = parseArgs({
  options: {
    invariant: { type: "string", default: "I1" },
    starts: { type: "string", default: "1" },
    /** Most seeds per start. */
    seeds: { type: "string", default: "2000" }
  }
})

const apart = 100_000
const most = Number(values.seeds)

const breaks = (seed: number): boolean =>
  judge(planOf(seed)).violations.some(({ invariant }) => invariant === values.invariant)

for (let start = 0; start < Number(values.starts); start++) {
  let tried = 0
  while (tried < most && !breaks(start * apart + tried)) tried++
  console.log(tried < most ? tried + 1 : "none")
}
