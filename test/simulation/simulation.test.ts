/** Whole installations in one thread, played from seeds, with faults, and judged by what observers saw. */
import { assert, describe, it } from "@effect/vitest"
import { hash } from "node:crypto"
import { once } from "node:events"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { Worker } from "node:worker_threads"
import { planOf } from "./Plan.ts"
import { placesOf, plantedBugs } from "./planted.ts"
import type { Plan } from "./Plan.ts"
import type { Share } from "./share.ts"
import { judge, linesOf } from "./shrink.ts"

const seeds = 2_000
const replayed = 50

const traceOf = (plan: Plan) => {
  const { played } = judge(plan)
  return hash("sha1", `${played.steps} ${linesOf(played)}`)
}

const threads = Math.min(4, os.availableParallelism())

/** What a share of the seeds breaks. */
const judged = async (share: Share): Promise<ReadonlyArray<string>> => {
  const worker = new Worker(new URL("./share.ts", import.meta.url), { workerData: share })
  const [broken] = await once(worker, "message")
  return broken
}

const regressions = path.join(import.meta.dirname, "regressions")
const kept = fs.existsSync(regressions) ? fs.readdirSync(regressions) : []

describe("the planted bugs", () => {
  it("each have the one place they are planted in", () => {
    const root = path.join(import.meta.dirname, "../..")
    const lost = plantedBugs().flatMap(({ name, edits }) =>
      edits.flatMap((edit) =>
        placesOf(fs.readFileSync(path.join(root, edit.file), "utf8"), edit) === 1 ? [] : [`${name}: ${edit.file}`]
      )
    )
    assert.deepStrictEqual(lost, [])
  })
})

describe("a simulated installation", () => {
  it("does the same again from the same seed", () => {
    for (let seed = 0; seed < replayed; seed++) {
      assert.strictEqual(traceOf(planOf(seed)), traceOf(planOf(seed)), `seed ${seed}`)
    }
  })

  it(`keeps its promises in ${seeds} seeds`, async () => {
    const shares = Array.from({ length: threads }, (_, first) => judged({ first, of: threads, below: seeds }))
    assert.deepStrictEqual((await Promise.all(shares)).flat(), [])
  }, 300_000)

  for (const file of kept) {
    it(`keeps its promises where it once did not: ${file}`, () => {
      const { plan } = JSON.parse(fs.readFileSync(path.join(regressions, file), "utf8")) as { readonly plan: Plan }
      assert.deepStrictEqual(judge(plan).violations, [])
    })
  }
})
