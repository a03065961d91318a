/** The producer: many callers, one append at a time, and what becomes of them where it fails. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer } from "effect"
import { Broker } from "../../src/broker/Broker.ts"
import { BrokerError, BrokerUnavailable, RecordRefused } from "../../src/broker/BrokerError.ts"
import { makeMemoryBroker } from "../../src/broker/memory/MemoryBroker.ts"
import type { OutgoingRecord } from "../../src/broker/Record.ts"
import * as Producer from "../../src/runtime/Producer.ts"

const record = (id: string): OutgoingRecord => ({ topic: "work", key: null, value: null, headers: { ce_id: id } })

/** A producer on a broker whose appends of the records called `bad` fail with `error`, each after a while. */
const producerOf = (error: BrokerError) =>
  Effect.gen(function* () {
    const { broker } = yield* makeMemoryBroker
    yield* broker.ensureTopics([{ name: "work", partitions: 1, retentionMs: 1_000 }])
    let appends = 0
    const flaky = Broker.of({
      ...broker,
      append: (records) =>
        Effect.andThen(
          Effect.yieldNow,
          Effect.suspend(() => {
            appends++
            return records.some(({ headers }) => headers["ce_id"] === "bad")
              ? Effect.fail(error)
              : broker.append(records)
          })
        )
    })
    const context = yield* Layer.build(Layer.provide(Producer.layer, Layer.succeed(Broker, flaky)))
    const producer = yield* Effect.provide(Producer.Producer, context)
    return { send: (id: string) => Effect.exit(producer.send([record(id)])), appends: () => appends }
  })

const hundred = [...Array.from({ length: 99 }, (_, i) => String(i)), "bad"]

describe("a producer", () => {
  it.effect("appends what all others send where the record of one is refused", () =>
    Effect.gen(function* () {
      const reason = new RecordRefused({ detail: "no" })
      const { send } = yield* producerOf(new BrokerError({ operation: "append", reason }))
      const exits = yield* Effect.forEach(hundred, send, { concurrency: "unbounded" })
      assert.deepStrictEqual(
        exits.map(Exit.isSuccess),
        hundred.map((id) => id !== "bad")
      )
    })
  )

  it.effect("tells all at once where the broker is down, and does not ask it for each of them", () =>
    Effect.gen(function* () {
      const reason = new BrokerUnavailable({ detail: "gone" })
      const { send, appends } = yield* producerOf(new BrokerError({ operation: "append", reason }))
      const exits = yield* Effect.forEach(hundred, send, { concurrency: "unbounded" })
      assert.isAtMost(appends(), 3)
      assert.isTrue(Exit.isFailure(exits.at(-1)!))
      assert.isTrue(Exit.isSuccess(yield* send("later")))
    })
  )
})
