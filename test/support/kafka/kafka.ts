/**
 * The real Kafka of a test run, for test files: `KAFKA_BROKERS`, a container
 * or a JVM, started when the first file asks. Where none can be had the tests
 * are skipped, loudly; under CI they fail instead.
 */
import { describe } from "@effect/vitest"
import { Effect } from "effect"
import { inject } from "vitest"
import { KafkaUnavailable } from "./KafkaCluster.ts"
import type { KeeperAnswer } from "./keeper.ts"

/** host:port of the brokers that the files of the run share: name topics and groups so that no two tests meet. */
export const sharedKafka: Effect.Effect<ReadonlyArray<string>, KafkaUnavailable> = Effect.gen(function* () {
  const answer = yield* Effect.tryPromise({
    try: async () => (await (await fetch(inject("kafkaKeeper"))).json()) as KeeperAnswer,
    catch: (cause) => new KafkaUnavailable({ reason: `the keeper does not answer (${String(cause)})` })
  })
  if ("unavailable" in answer) return yield* new KafkaUnavailable({ reason: answer.unavailable })
  return answer.bootstrap
})

const isWanted = process.env["CI"] !== undefined && process.env["CI"] !== ""

/** `describe` for tests that need Kafka. */
export const describeOnKafka =
  (await Effect.runPromise(Effect.isSuccess(sharedKafka))) || isWanted ? describe : describe.skip
