/** The short edition of chaos with the topics in Kafka. `npm run chaos -- --broker kafka --minutes 60` is the long one. */
import { it } from "@effect/vitest"
import { describeOnOwnKafka } from "../support/kafka/kafka.ts"
import { soundCampaign } from "./shortCampaign.ts"
import { makeKafkaBroker } from "./kafkaBroker.ts"

describeOnOwnKafka("an installation with its topics in Kafka under chaos", () => {
  it.live(
    "loses nothing, keeps every user's order and does all once, also while the broker is killed and comes back",
    () => soundCampaign(makeKafkaBroker(1), 8),
    400_000
  )
})
