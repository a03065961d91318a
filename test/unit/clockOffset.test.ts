/** How far the database's clock is ahead: never further off than it is said to be, and soon right again. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { offsetOf, refined } from "../../src/database/clockOffset.ts"

/** A look: how long the question took to get there, and its answer to come back. */
const way = fc.tuple(fc.double({ min: 0, max: 500, noNaN: true }), fc.double({ min: 0, max: 500, noNaN: true }))

const lookAt = (trueAhead: number, at: number, [there, back]: readonly [number, number]) =>
  offsetOf(at, at + there + back, at + there + trueAhead)

describe("what is known of another clock", () => {
  it("is never further off than it says, however long the questions take", () => {
    fc.assert(
      fc.property(fc.array(way, { minLength: 1, maxLength: 20 }), (ways) => {
        const truth = 12_345
        let known = lookAt(truth, 0, ways[0]!)
        for (const [n, one] of ways.entries()) known = refined(known, lookAt(truth, n * 10_000, one), 10_000)
        assert.isAtMost(Math.abs(known.ahead - truth), known.offBy + 1e-6)
      })
    )
  })

  it("is as good as the quickest look of several", () => {
    const looks = [lookAt(50, 0, [300, 5]), lookAt(50, 1, [1, 2]), lookAt(50, 2, [200, 100])]
    const known = looks.reduce((before, seen) => refined(before, seen, 0))
    assert.deepStrictEqual(known, looks[1])
  })

  it("gives way to what contradicts it: the clock was set", () => {
    const known = refined(lookAt(50, 0, [1, 1]), lookAt(3_600_050, 10_000, [200, 300]), 10_000)
    assert.isAtMost(Math.abs(known.ahead - 3_600_050), 250)
  })

  it("is not believed for ever: a slower look counts once the clocks may have drifted apart by more", () => {
    const first = lookAt(50, 0, [1, 1])
    const slow = lookAt(50, 0, [10, 10])
    assert.strictEqual(refined(first, slow, 10_000).ahead, first.ahead)
    assert.strictEqual(refined(first, slow, 200_000), slow)
  })
})
