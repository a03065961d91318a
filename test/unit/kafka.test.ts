/** The parts of the Kafka adapter that need no Kafka. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import kafkajs from "kafkajs"
import { createRequire } from "node:module"
import { committedOf } from "../../src/broker/kafka/Fetch.ts"
import { assignmentsOf } from "../../src/broker/kafka/GroupMember.ts"
import { decodeHeaders, decodeText, encodeHeaders, encodeText } from "../../src/broker/kafka/headers.ts"
import { mendedVersion, mendKafkajs } from "../../src/broker/kafka/mends.ts"

const require = createRequire(import.meta.url)
const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol

const memberOf = (memberId: string, session: number) => {
  const userData = Buffer.alloc(4)
  userData.writeUInt32BE(session)
  return { memberId, memberMetadata: MemberMetadata.encode({ version: 1, topics: ["t"], userData }) }
}

const sharesOf = (members: ReadonlyArray<ReturnType<typeof memberOf>>, partitions: number) =>
  new Map(
    assignmentsOf(members, "t", partitions).map(({ memberId, memberAssignment }) => [
      memberId,
      MemberAssignment.decode(memberAssignment)!.assignment["t"] ?? []
    ])
  )

describe("headers in Kafka", () => {
  it("come back as they were, whatever text they hold", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.array(fc.integer({ min: 0, max: 0xffff })), (text, units) => {
        const odd = text + String.fromCharCode(...units)
        assert.strictEqual(decodeText(encodeText(odd)), odd)
      })
    )
  })

  it("of others that are no UTF-8 are read with replacement characters, and the last of several counts", () => {
    const read = decodeHeaders({ a: Buffer.from([0x66, 0xff, 0x66]), b: [Buffer.from("1"), Buffer.from("2")] })
    assert.deepStrictEqual(read, { a: "f\ufffdf", b: "2" })
    assert.deepStrictEqual(decodeHeaders(encodeHeaders({ __proto__x: "y" })), { __proto__x: "y" })
  })
})

describe("the shares of a group's members", () => {
  it("cover every partition once, evenly", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 0x7fffffff }), { minLength: 1, maxLength: 9 }),
        (sessions) => {
          const shares = sharesOf(
            sessions.map((session) => memberOf(`m${session}`, session)),
            12
          )
          const all = [...shares.values()].flat().sort((a, b) => a - b)
          assert.deepStrictEqual(
            all,
            Array.from({ length: 12 }, (_, n) => n)
          )
          for (const share of shares.values()) assert.isAtMost(share.length, Math.ceil(12 / sessions.length))
        }
      )
    )
  })

  it("leave a partition with its member where another goes, as far as evenness allows", () => {
    const [a, b, c] = [memberOf("a", 11), memberOf("b", 22), memberOf("c", 33)]
    const before = sharesOf([a, b, c], 12)
    const after = sharesOf([a, b], 12)
    const kept = before.get("a")!.filter((partition) => after.get("a")!.includes(partition))
    assert.isAtLeast(kept.length, 3)
  })

  it("go to one of two members of the same session", () => {
    const shares = sharesOf([memberOf("old", 5), memberOf("new", 5)], 4)
    assert.deepStrictEqual([...shares.values()].map((share) => share.length).sort(), [0, 4])
  })
})

describe("records of transactions", () => {
  const record = (offset: number, producerId: string, more: object = {}) => ({
    offset: String(offset),
    timestamp: "0",
    key: Buffer.alloc(4),
    value: null,
    batchContext: { producerId, inTransaction: true },
    ...more
  })

  it("that were rolled back are left out, also where two began before the first that was asked for", () => {
    const left = committedOf({
      partition: 0,
      highWatermark: "9",
      abortedTransactions: [
        { producerId: "1", firstOffset: "0" },
        { producerId: "2", firstOffset: "1" }
      ],
      messages: [
        // The second is met before the first has shown itself.
        record(4, "2"),
        record(5, "1"),
        record(6, "2"),
        record(7, "3"),
        record(8, "1", { isControlRecord: true }),
        record(9, "1"),
        record(10, "2"),
        record(11, "2", { isControlRecord: true }),
        record(12, "2")
      ]
    })
    assert.deepStrictEqual(
      left.map(({ offset }) => offset),
      ["7", "9", "12"]
    )
  })
})

describe("kafkajs", () => {
  it.effect("of the version that is mended sets no timer where no request is held back", () =>
    Effect.gen(function* () {
      assert.strictEqual((require("kafkajs/package.json") as { version: string }).version, mendedVersion)
      yield* mendKafkajs
      const { prototype } = require("kafkajs/src/network/requestQueue") as {
        prototype: { scheduleCheckPendingRequests: () => void }
      }
      const queue = (pending: ReadonlyArray<unknown>) => ({
        pending,
        throttledUntil: -1,
        throttleCheckTimeoutId: null as NodeJS.Timeout | null,
        checkPendingRequests: () => undefined
      })
      const [idle, waiting] = [queue([]), queue([1])]
      prototype.scheduleCheckPendingRequests.call(idle)
      prototype.scheduleCheckPendingRequests.call(waiting)
      assert.isNull(idle.throttleCheckTimeoutId)
      assert.isNotNull(waiting.throttleCheckTimeoutId)
      clearTimeout(waiting.throttleCheckTimeoutId!)
    })
  )
})
