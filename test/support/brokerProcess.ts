/** Brokers on one database, each with connections and a session of its own, as separate processes have them. */
import { Context, Effect, Layer } from "effect"
import type { Redacted } from "effect"
import { Broker } from "../../src/broker/Broker.ts"
import { layer } from "../../src/broker/postgres/PostgresBroker.ts"
import type { PostgresBrokerOptions } from "../../src/broker/postgres/PostgresBroker.ts"
import { clientOf } from "./migrated.ts"

/** Another process's broker; gone with the scope. */
export const brokerProcess = (url: Redacted.Redacted, options: Partial<PostgresBrokerOptions> = {}) =>
  Effect.map(Layer.build(Layer.provide(Layer.fresh(layer(options)), Layer.fresh(clientOf(url, 6)))), (context) =>
    Context.get(context, Broker)
  )
