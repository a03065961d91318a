/** The short edition of the kill drills; `node test/chaos/kill.ts --kills 50` is the long one. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { isClean } from "../chaos/check.ts"
import { runDrill } from "../chaos/drill.ts"

describe("an installation that is killed under load", () => {
  for (const mode of ["worker", "group"] as const) {
    it.live(
      `loses nothing, keeps every user's order and does all once when kill -9 hits the ${mode} three times`,
      () =>
        Effect.gen(function* () {
          const { verdict, recovery } = yield* runDrill({ mode, kills: 3, seed: 5, walkers: 10, writers: 3 })
          assert.isTrue(isClean(verdict), JSON.stringify(verdict))
          assert.isAbove(verdict.acknowledged, 0)
          assert.isAbove(verdict.published, 0)
          assert.isAbove(recovery.firstMs.length, 0)
        }),
      240_000
    )
  }
})
