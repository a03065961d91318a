/** The short edition of chaos: one fault of each kind. `npm run chaos -- --minutes 60` is the long one. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { runCampaign } from "./campaign.ts"
import { postgresBroker } from "./ChaosBroker.ts"
import { violationsOf } from "./check.ts"

describe("an installation of an API and three workers under chaos", () => {
  it.live(
    "loses nothing, keeps every user's order, does all once and obeys its operators, whatever kind of fault strikes",
    () =>
      Effect.gen(function* () {
        const { verdict, struck, restedMs } = yield* runCampaign({
          broker: Effect.succeed(postgresBroker),
          seed: 7,
          forMs: 25_000,
          everyMs: 2_200,
          users: 300,
          rate: 40,
          onProgress: () => undefined
        })
        assert.deepStrictEqual(violationsOf(verdict), [], JSON.stringify(verdict))
        assert.isNotNull(restedMs, "the backlog was not done in the time that was given")
        assert.isAbove(verdict.acknowledged, 0)
        assert.isAbove(verdict.published, 0)
        assert.isAbove(Object.keys(struck).length, 3)
      }),
    400_000
  )
})
