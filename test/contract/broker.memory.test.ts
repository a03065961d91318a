import { Effect, Layer } from "effect"
import { makeMemoryBroker } from "../../src/broker/memory/MemoryBroker.ts"
import { brokerContract, BrokerWorld } from "./brokerContract.ts"
import { groupContract } from "./groupContract.ts"

const world = Layer.effect(
  BrokerWorld,
  Effect.map(makeMemoryBroker, ({ broker }) => ({ process: Effect.succeed(broker) }))
)

brokerContract("topics in memory", world)
groupContract("groups in memory", world)
