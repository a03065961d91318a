/** The one node that all test files of a run use, or the cluster that `KAFKA_BROKERS` names. */
import { Effect, Exit, Scope } from "effect"
import type { KeeperAnswer } from "./keeper.ts"
import { kafkaChoice, sayChoice, startKafka } from "./startKafka.ts"

const bootstrap = Effect.gen(function* () {
  const choice = yield* kafkaChoice
  yield* Effect.sync(() => process.stderr.write(`${sayChoice(choice)}\n`))
  return choice.kind === "given" ? choice.bootstrap : (yield* startKafka()).bootstrap
})

/** Starts it; where that cannot be done the reason is said and is the answer. */
export const startSharedBroker = async (): Promise<{
  readonly answer: KeeperAnswer
  readonly stop: () => Promise<void>
}> => {
  const scope = Scope.makeUnsafe()
  const result = await Effect.runPromise(Effect.result(Scope.provide(bootstrap, scope)))
  const stop = () => Effect.runPromise(Scope.close(scope, Exit.void))
  if (result._tag === "Success") return { answer: { bootstrap: result.success }, stop }
  process.stderr.write(`KAFKA TESTS ARE SKIPPED: ${result.failure.message}\n`)
  return { answer: { unavailable: result.failure.reason }, stop }
}
