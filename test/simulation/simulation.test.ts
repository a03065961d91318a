/** Whole installations in one thread, played from seeds. */
import { assert, describe, it } from "@effect/vitest"
import { hash } from "node:crypto"
import { planOf } from "./Plan.ts"
import { play } from "./Simulation.ts"
import type { Played } from "./Simulation.ts"

const traceOf = ({ history, steps }: Played) => hash("sha1", `${steps} ${JSON.stringify(history)}`)

const seeds = (count: number, every = 1) => Array.from({ length: count }, (_, i) => i * every)

describe("a simulated installation", () => {
  it("does the same again from the same seed", () => {
    for (const seed of seeds(40)) {
      assert.strictEqual(traceOf(play(planOf(seed))), traceOf(play(planOf(seed))), `seed ${seed}`)
    }
  })

  it("finishes everything where nothing fails", () => {
    for (const seed of seeds(40, 8)) {
      assert.strictEqual(play(planOf(seed)).history.at(-1)?.k, seed % 4 === 0 ? "stopped" : "quiet", `seed ${seed}`)
    }
  })
})
