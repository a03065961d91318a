/** A process that joins a consumer group and tells on stdout what it holds: `node group-member-child.ts <url> <group> <topic>`. */
import { Effect, Redacted, Schedule } from "effect"
import { brokerProcess } from "./brokerProcess.ts"
import { readGroup } from "./groupReader.ts"

const [url, group, topic] = process.argv.slice(2) as [string, string, string]

const main = Effect.gen(function* () {
  const broker = yield* brokerProcess(Redacted.make(url))
  const reader = yield* readGroup(broker, { group, topic })
  yield* Effect.repeat(
    Effect.sync(() => process.stdout.write(`${reader.held.size}\n`)),
    Schedule.spaced("20 millis")
  )
})

void Effect.runPromise(Effect.scoped(main))
