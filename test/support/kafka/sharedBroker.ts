/** The one node that all test files of a run use, or the cluster that `KAFKA_BROKERS` names. */
import { Effect, Exit, Scope } from "effect"
import { isCi } from "./isCi.ts"
import { missingForJvm } from "./jars.ts"
import type { KeeperAnswer } from "./keeper.ts"
import { kafkaChoice, ownChoice, sayChoice, startKafka } from "./startKafka.ts"

const say = (line: string) => Effect.sync(() => process.stderr.write(`${line}\n`))

const bootstrap = Effect.gen(function* () {
  const choice = yield* kafkaChoice
  yield* say(sayChoice(choice))
  return choice.kind === "given" ? choice.bootstrap : (yield* startKafka()).bootstrap
})

const answer = Effect.gen(function* () {
  const shared = yield* Effect.result(bootstrap)
  const own = yield* Effect.result(ownChoice)
  const missing = missingForJvm()
  const are = isCi ? "CANNOT RUN" : "ARE SKIPPED"
  if (shared._tag === "Failure") yield* say(`KAFKA TESTS ${are}: ${shared.failure.reason}`)
  else if (own._tag === "Failure") yield* say(`TESTS WITH A KAFKA OF THEIR OWN ${are}: ${own.failure.reason}`)
  else if (missing !== null) yield* say(`TESTS WITH A SECURED KAFKA ${are}: ${missing}`)
  return {
    bootstrap: shared._tag === "Success" ? shared.success : null,
    hasOwn: own._tag === "Success",
    hasSecured: missing === null,
    reason: shared._tag === "Failure" ? shared.failure.reason : ""
  }
})

/** Starts it; where that cannot be done the reason is said and is the answer. */
export const startSharedBroker = async (): Promise<{
  readonly answer: KeeperAnswer
  readonly stop: () => Promise<void>
}> => {
  const scope = Scope.makeUnsafe()
  return {
    answer: await Effect.runPromise(Scope.provide(answer, scope)),
    stop: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}
