/** What a NOTIFY says of a record, read back. */
import { assert, describe, it } from "@effect/vitest"
import { contentOf, readNote } from "../../src/broker/rows/Note.ts"

const encode = (text: string) => new TextEncoder().encode(text)
const outgoing = (value: Uint8Array | null) => ({ topic: "t", key: encode("u"), value, headers: { id: "1" } })

describe("a note", () => {
  it("names topics, and the record where one came along", () => {
    assert.deepStrictEqual(readNote("3,4"), { topics: [3, 4], record: null })
    assert.deepStrictEqual(readNote(`3\n7 41 1700000000123\n${contentOf(outgoing(null))}`), {
      topics: [3],
      record: {
        partition: 7,
        offset: 41,
        timestamp: 1_700_000_000_123,
        key: encode("u"),
        value: null,
        headers: { id: "1" }
      }
    })
  })

  it("carries no record that the payload of a NOTIFY cannot hold", () => {
    const largest = contentOf(outgoing(new Uint8Array(5_500)))
    assert.isAbove(largest.length, 7_000)
    assert.strictEqual(contentOf(outgoing(new Uint8Array(5_700))), "")
    assert.isBelow(`${"1".repeat(6)}\n${"1".repeat(60)}\n${largest}`.length, 8_000)
  })

  it("whose record cannot be read still wakes the readers of its topic", () => {
    for (const rest of ["1 2 3\n{", "1 2 3\n[1,2,3]", "1\n[null,null,{}]", "1 2 3"]) {
      assert.deepStrictEqual(readNote(`5\n${rest}`), { topics: [5], record: null })
    }
  })
})
