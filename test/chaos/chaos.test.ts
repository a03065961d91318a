/** The short edition of chaos: one fault of each kind. `npm run chaos -- --minutes 60` is the long one. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { postgresBroker } from "./ChaosBroker.ts"
import { soundCampaign } from "./shortCampaign.ts"

describe("an installation of an API and three workers under chaos", () => {
  it.live(
    "loses nothing, keeps every user's order, does all once and obeys its operators, whatever kind of fault strikes",
    () =>
      Effect.gen(function* () {
        const verdict = yield* soundCampaign(Effect.succeed(postgresBroker), 7)
        assert.isAbove(verdict.published, 0)
      }),
    400_000
  )
})
