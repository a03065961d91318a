/** The Kafka that tests run on: it is there, and does what the tests will ask of it. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { Kafka, logLevel } from "kafkajs"
import { describeOnKafka, sharedKafka } from "../support/kafka/kafka.ts"

/** A client that says nothing of what it tries again. */
const clientOf = (brokers: ReadonlyArray<string>) => new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })

describeOnKafka("the shared Kafka", () => {
  it.live("makes no topic that nobody has made", () =>
    Effect.gen(function* () {
      const kafka = clientOf(yield* sharedKafka)
      const admin = kafka.admin({ retry: { retries: 0 } })
      const refusal = yield* Effect.promise(() =>
        admin
          .connect()
          .then(() => admin.fetchTopicOffsets("nobody-made-this"))
          .then(
            () => "an answer",
            (error: Error) => error.message
          )
      )
      assert.match(refusal, /does not host this topic-partition/)
      yield* Effect.promise(() => admin.disconnect())
    })
  )
})
