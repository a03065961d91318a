/** Whole installations in one thread, played from seeds, with faults, and judged by what observers saw. */
import { assert, describe, it } from "@effect/vitest"
import { hash } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import { planOf } from "./Plan.ts"
import type { Plan } from "./Plan.ts"
import { judge, linesOf } from "./shrink.ts"

const seeds = 2_000
const replayed = 50

const traceOf = (plan: Plan) => {
  const { played } = judge(plan)
  return hash("sha1", `${played.steps} ${linesOf(played)}`)
}

const regressions = path.join(import.meta.dirname, "regressions")
const kept = fs.existsSync(regressions) ? fs.readdirSync(regressions) : []

describe("a simulated installation", () => {
  it("does the same again from the same seed", () => {
    for (let seed = 0; seed < replayed; seed++) {
      assert.strictEqual(traceOf(planOf(seed)), traceOf(planOf(seed)), `seed ${seed}`)
    }
  })

  it(`keeps its promises in ${seeds} seeds`, () => {
    const broken: Array<string> = []
    for (let seed = 0; seed < seeds; seed++) {
      for (const { invariant, detail } of judge(planOf(seed)).violations) broken.push(`${seed} ${invariant}: ${detail}`)
    }
    assert.deepStrictEqual(broken, [])
  }, 300_000)

  for (const file of kept) {
    it(`keeps its promises where it once did not: ${file}`, () => {
      const { plan } = JSON.parse(fs.readFileSync(path.join(regressions, file), "utf8")) as { readonly plan: Plan }
      assert.deepStrictEqual(judge(plan).violations, [])
    })
  }
})
