/** The demo as its user sees it. One run for all facts: it takes as long as all other scenarios together. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { temporaryFolder } from "./Installation.ts"
import { runProgram } from "./Program.ts"

/** Whole processes on a busy machine: the demo alone takes twenty seconds of a core. Only what hangs comes near. */
const processesMs = 180_000

describe("the demo", () => {
  it.live(
    "publishes every story once and in order, although floods, lost answers and nonsense are on the way",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* temporaryFolder
          const { code, out, err } = yield* runProgram(["demo", "--json"], { folder })
          assert.strictEqual(code, 0, err)
          const report = JSON.parse(out)
          assert.isTrue(report.ok)
          for (const fault of ["lost", "doubled", "outOfOrder", "unexpected", "failures"])
            assert.deepStrictEqual(report[fault], [])
          assert.strictEqual(report.published, report.expected)
          assert.isAbove(report.expected, 50)
          assert.isAbove(report.ads, 5)
          assert.isAbove(report.duplicates, 5)
          assert.strictEqual(report.converted, 6)
          const stages = new Map(report.stages.map((stage: any) => [stage.queue, stage]))
          assert.sameMembers([...stages.keys()], ["collector", "rewriter", "imagegen", "publisher", "converter"])
          for (const stage of report.stages) assert.strictEqual(stage.failed, 0, stage.queue)
        })
      ),
    processesMs
  )
})
