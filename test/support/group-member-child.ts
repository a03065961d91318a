/** A process that joins a consumer group and tells on stdout what it holds: `node group-member-child.ts <url> <group> <topic> [<Kafka broker> <prefix>]`. */
import { Effect, Redacted, Schedule } from "effect"
import { brokerProcess } from "./brokerProcess.ts"
import { kafkaProcess } from "./kafkaProcess.ts"
import { readGroup } from "./groupReader.ts"

const [url, group, topic, kafka, prefix = ""] = process.argv.slice(2) as [string, string, string, string?, string?]

const main = Effect.gen(function* () {
  const database = Redacted.make(url)
  const broker = yield* kafka === undefined
    ? brokerProcess(database)
    : kafkaProcess(database, { brokers: [kafka], prefix, sessionTimeoutMs: 60_000 })
  const reader = yield* readGroup(broker, { group, topic })
  yield* Effect.repeat(
    Effect.sync(() => process.stdout.write(`${reader.held.size}\n`)),
    Schedule.spaced("20 millis")
  )
})

void Effect.runPromise(Effect.scoped(main))
