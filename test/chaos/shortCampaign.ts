/** The campaign of the tests: half a minute over 300 users, and what has to hold after it whatever the broker is. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Scope } from "effect"
import { runCampaign } from "./campaign.ts"
import type { ChaosBroker } from "./ChaosBroker.ts"
import { violationsOf } from "./check.ts"

/** Runs it and answers its verdict, in which nothing was found. */
export const soundCampaign = (broker: Effect.Effect<ChaosBroker, unknown, Scope.Scope>, seed: number) =>
  Effect.gen(function* () {
    const { verdict, struck, restedMs } = yield* runCampaign({
      broker,
      seed,
      forMs: 25_000,
      everyMs: 2_200,
      users: 300,
      rate: 40,
      kinds: null,
      onProgress: () => undefined
    })
    assert.deepStrictEqual(violationsOf(verdict), [], JSON.stringify(verdict))
    assert.isNotNull(restedMs, "the backlog was not done in the time that was given")
    assert.isAbove(verdict.acknowledged, 0)
    assert.isAbove(Object.keys(struck).length, 3)
    return verdict
  })
