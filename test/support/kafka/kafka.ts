/**
 * The real Kafka of a test run, for test files: `KAFKA_BROKERS`, a container
 * or a JVM, started when the first file asks. Where none can be had the tests
 * are skipped, loudly; under CI they fail instead.
 */
import { describe } from "@effect/vitest"
import { Effect } from "effect"
import { inject } from "vitest"
import { isCi } from "./isCi.ts"
import { KafkaUnavailable } from "./KafkaCluster.ts"
import type { KeeperAnswer } from "./keeper.ts"

const keeper = Effect.tryPromise({
  try: async () => (await (await fetch(inject("kafkaKeeper"))).json()) as KeeperAnswer,
  catch: (cause) => new KafkaUnavailable({ reason: `the keeper does not answer (${String(cause)})` })
})

/** host:port of the brokers that the files of the run share: name topics and groups so that no two tests meet. */
export const sharedKafka: Effect.Effect<ReadonlyArray<string>, KafkaUnavailable> = Effect.flatMap(
  keeper,
  ({ bootstrap, reason }) =>
    bootstrap === null ? Effect.fail(new KafkaUnavailable({ reason })) : Effect.succeed(bootstrap)
)

const has = await Effect.runPromise(keeper)

/** Under CI nothing is skipped: a test that finds no Kafka fails. */
const unless = (isThere: boolean) => (isThere || isCi ? describe : describe.skip)

/** `describe` for tests that use the shared Kafka. */
export const describeOnKafka = unless(has.bootstrap !== null)

/** `describe` for tests that start clusters of their own. */
export const describeOnOwnKafka = unless(has.hasOwn)

/** `describe` for tests that start clusters that demand TLS and a log-in, for which Java is needed here. */
export const describeOnSecuredKafka = unless(has.hasSecured)
