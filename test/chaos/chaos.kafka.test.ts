/** The short edition of chaos with the topics in Kafka. `npm run chaos -- --broker kafka --minutes 60` is the long one. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { describeOnOwnKafka } from "../support/kafka/kafka.ts"
import { runCampaign } from "./campaign.ts"
import { violationsOf } from "./check.ts"
import { makeKafkaBroker } from "./kafkaBroker.ts"

describeOnOwnKafka("an installation with its topics in Kafka under chaos", () => {
  it.live(
    "loses nothing, keeps every user's order and does all once, also while the broker is killed and comes back",
    () =>
      Effect.gen(function* () {
        const { verdict, struck, restedMs } = yield* runCampaign({
          broker: makeKafkaBroker,
          seed: 8,
          forMs: 25_000,
          everyMs: 2_200,
          users: 300,
          rate: 40,
          onProgress: () => undefined
        })
        assert.deepStrictEqual(violationsOf(verdict), [], JSON.stringify(verdict))
        assert.isNotNull(restedMs, "the backlog was not done in the time that was given")
        assert.isAbove(verdict.acknowledged, 0)
        assert.isAbove(Object.keys(struck).length, 3)
      }),
    400_000
  )
})
