import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { randomIdOf } from "../../../src/services/telegram/randomId.ts"

describe("random ids", () => {
  it("the same task, target, part and item always give the same id", () => {
    assert.strictEqual(randomIdOf("task-1", "2002", 0, 0), randomIdOf("task-1", "2002", 0, 0))
    assert.strictEqual(randomIdOf("task-1", "2002", 0, 0), "574598573262764402")
  })

  it("every id is a positive signed 64-bit number", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(20), fc.nat(9), (task, target, part, item) => {
        const id = BigInt(randomIdOf(task, target, part, item))
        assert.isTrue(id > 0n && id < 2n ** 63n)
      })
    )
  })

  it("a change of any component changes the id, also where joined texts would be equal", () => {
    const ids = [
      randomIdOf("a", "b", 0, 0),
      randomIdOf("ab", "", 0, 0),
      randomIdOf("", "ab", 0, 0),
      randomIdOf("a", "b", 1, 0),
      randomIdOf("a", "b", 0, 1),
      randomIdOf("a", "b", 10, 0),
      randomIdOf("a", "b1", 0, 0)
    ]
    assert.strictEqual(new Set(ids).size, ids.length)
  })
})
