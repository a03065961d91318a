/** Whole installations in one thread, played from seeds, with faults, and judged by what observers saw. */
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { placesOf, plantedBugs } from "./planted.ts"
import type { Plan } from "./Plan.ts"
import { judge } from "./shrink.ts"
import { add, emptyTally } from "./Tally.ts"
import type { Tally } from "./Tally.ts"
import { playInThreads } from "./threads.ts"

const seeds = 2_000
const replayed = 50

const threads = Math.min(4, os.availableParallelism())

const blockOf = 50

const blocks = Array.from({ length: seeds / blockOf }, (_, n) => ({
  from: n * blockOf,
  below: (n + 1) * blockOf,
  twiceBelow: replayed
}))

let judging: Promise<Tally> | undefined

const judgeAll = async (): Promise<Tally> => {
  const tally = emptyTally()
  await playInThreads(blocks, threads, (one) => add(tally, one))
  return tally
}

/** All seeds, once for all that is asked of them: a thread takes some seconds until it runs at its full speed. */
const judgedSeeds = (): Promise<Tally> => (judging ??= judgeAll())

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
  it("does the same again from the same seed", async () => {
    assert.deepStrictEqual((await judgedSeeds()).unequal, [])
  }, 300_000)

  it(`keeps its promises in ${seeds} seeds`, async () => {
    assert.deepStrictEqual((await judgedSeeds()).broken, [])
  }, 300_000)

  for (const file of kept) {
    it(`keeps its promises where it once did not: ${file}`, () => {
      const { plan } = JSON.parse(fs.readFileSync(path.join(regressions, file), "utf8")) as { readonly plan: Plan }
      assert.deepStrictEqual(judge(plan).violations, [])
    })
  }
})
