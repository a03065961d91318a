/** Which partition a key goes to, and which member a partition, against other implementations and naive counts. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as fc from "fast-check"
import { createRequire } from "node:module"
import { murmur2, partitionOf } from "../../src/broker/murmur2.ts"
import { shareOf } from "../../src/broker/shares.ts"
import { makeSignal } from "../../src/broker/Signal.ts"
import { librdkafkaPartitions } from "./librdkafkaPartitions.ts"

const kafkajs = createRequire(import.meta.url)("kafkajs/src/producer/partitioners/default/murmur2") as (
  key: Uint8Array
) => number

describe("murmur2", () => {
  it("gives what Apache Kafka's own test expects", () => {
    const golden: Readonly<Record<string, number>> = {
      "21": -973932308,
      foobar: -790332482,
      "a-little-bit-long-string": -985981536,
      "a-little-bit-longer-string": -1486304829,
      lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971
    }
    for (const [key, hash] of Object.entries(golden)) assert.strictEqual(murmur2(Buffer.from(key)), hash)
    assert.strictEqual(murmur2(Buffer.from("abc")), 479470107)
  })

  it("equals kafkajs on two thousand keys of any bytes and any text, none, four zero bytes and ten kilobytes", () => {
    const keys = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.string({ unit: "binary" }).map((text) => new Uint8Array(Buffer.from(text)))
    )
    fc.assert(
      fc.property(keys, (key) => murmur2(key) === kafkajs(Buffer.from(key))),
      { numRuns: 2_000 }
    )
    for (const key of [new Uint8Array(0), new Uint8Array(4), new Uint8Array(10_240).fill(200), Uint8Array.of(255)]) {
      assert.strictEqual(murmur2(key), kafkajs(Buffer.from(key)))
      assert.strictEqual(partitionOf(key, 12), (kafkajs(Buffer.from(key)) & 0x7fffffff) % 12)
    }
  })

  it("gives the partitions that librdkafka gave forty odd keys", () => {
    for (const [key, ...partitions] of librdkafkaPartitions) {
      const bytes = Buffer.from(key, "base64")
      assert.deepStrictEqual(
        [3, 12, 48].map((count) => partitionOf(bytes, count)),
        partitions,
        key.slice(0, 40)
      )
    }
    assert.isAtLeast(librdkafkaPartitions.length, 40)
  })

  it("reads a view of a larger buffer as its own bytes", () => {
    const whole = Uint8Array.of(9, 9, 1, 2, 3, 9)
    assert.strictEqual(murmur2(whole.subarray(2, 5)), murmur2(Uint8Array.of(1, 2, 3)))
  })
})

describe("the shares of members", () => {
  const members = fc.uniqueArray(fc.integer({ min: 1, max: 0x7fffffff }), { minLength: 1, maxLength: 40 })
  const partitions = fc.integer({ min: 1, max: 96 })

  it("give every partition to exactly one member, and none more than its share rounded up", () => {
    fc.assert(
      fc.property(members, partitions, (all, count) => {
        const shares = all.map((member) => shareOf(member, all, count))
        assert.deepStrictEqual(
          shares.flat().sort((a, b) => a - b),
          Array.from({ length: count }, (_, i) => i)
        )
        for (const share of shares) assert.isAtMost(share.length, Math.ceil(count / all.length))
      }),
      { numRuns: 300 }
    )
  })

  it("are the same whoever computes them, from a list in any order with repeats", () => {
    fc.assert(
      fc.property(members, partitions, (all, count) => {
        const [member] = all as [number]
        assert.deepStrictEqual(shareOf(member, [...all, ...all].reverse(), count), shareOf(member, all, count))
        assert.deepStrictEqual(shareOf(-5, all, count), [])
      })
    )
  })

  it("change for few partitions when a member comes", () => {
    const all = [11, 22, 33, 44, 55]
    const ownerOf = (list: ReadonlyArray<number>) =>
      Array.from({ length: 60 }, (_, p) => list.find((member) => shareOf(member, list, 60).includes(p)))
    const [before, after] = [ownerOf(all), ownerOf([...all, 66])]
    const moved = before.filter((owner, p) => owner !== after[p]).length
    assert.isAtLeast(moved, 10)
    assert.isAtMost(moved, 30)
  })
})

describe("a signal", () => {
  it.effect("that rings while nobody waits lets the next wait pass, once", () =>
    Effect.gen(function* () {
      const signal = makeSignal()
      signal.ring()
      signal.ring()
      yield* signal.wait
      const waiting = yield* Effect.forkChild(signal.wait, { startImmediately: true })
      assert.strictEqual(waiting.pollUnsafe(), undefined)
      signal.ring()
      yield* Fiber.join(waiting)
    })
  )

  it.effect("is not lost on a waiter that has gone", () =>
    Effect.gen(function* () {
      const signal = makeSignal()
      const gone = yield* Effect.forkChild(signal.wait, { startImmediately: true })
      yield* Fiber.interrupt(gone)
      signal.ring()
      yield* signal.wait
    })
  )
})
