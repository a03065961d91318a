import { Effect, Layer } from "effect"
import { brokerProcess } from "../support/brokerProcess.ts"
import { migratedDatabase } from "../support/migrated.ts"
import { brokerContract, BrokerWorld } from "./brokerContract.ts"
import { groupContract } from "./groupContract.ts"

// The slow look is far off: what these tests wait for has to come by the signals.
const world = Layer.effect(
  BrokerWorld,
  Effect.map(migratedDatabase, ({ url }) => ({ process: brokerProcess(url, { tickMs: 1_000 }) }))
)

brokerContract("topics in Postgres", world)
groupContract("groups in Postgres", world)
