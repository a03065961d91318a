import { Effect, Layer } from "effect"
import { randomUUID } from "node:crypto"
import { describeOnKafka, sharedKafka } from "../support/kafka/kafka.ts"
import { kafkaProcess } from "../support/kafkaProcess.ts"
import { migratedDatabase } from "../support/migrated.ts"
import { brokerContract, BrokerWorld } from "./brokerContract.ts"
import { groupContract } from "./groupContract.ts"

// Topics and groups of its own in the Kafka that the run shares.
const world = Layer.effect(
  BrokerWorld,
  Effect.gen(function* () {
    const brokers = yield* Effect.orDie(sharedKafka)
    const { url } = yield* migratedDatabase
    const prefix = `${randomUUID()}.`
    return { process: Effect.orDie(kafkaProcess(url, { brokers, prefix })) }
  })
)

describeOnKafka("on Kafka", () => {
  brokerContract("topics in Kafka", world)
  groupContract("groups in Kafka", world)
})
