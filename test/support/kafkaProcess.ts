/** Brokers on one Kafka and one database, each as a process of its own has them. */
import { Context, Effect, Layer } from "effect"
import type { Redacted } from "effect"
import { Broker } from "../../src/broker/Broker.ts"
import { layer } from "../../src/broker/kafka/KafkaBroker.ts"
import type { KafkaBrokerOptions } from "../../src/broker/kafka/KafkaBroker.ts"
import { clientOf } from "./migrated.ts"

/** Another process's broker; gone with the scope. */
export const kafkaProcess = (
  url: Redacted.Redacted,
  options: Partial<KafkaBrokerOptions> & Pick<KafkaBrokerOptions, "brokers">
) =>
  Effect.map(Layer.build(Layer.provide(Layer.fresh(layer(options)), Layer.fresh(clientOf(url, 6)))), (context) =>
    Context.get(context, Broker)
  )
