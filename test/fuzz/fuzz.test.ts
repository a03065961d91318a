/** A small edition of `npm run fuzz`, with fixed seeds: whatever comes in is answered or ends as invalid, and the rest goes on. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { fuzzHttp } from "./httpFuzz.ts"
import { fuzzRecords } from "./recordFuzz.ts"

const seed = 11
const requests = 2_000
const records = 3_000
/** Only what hangs comes near: on a busy machine it takes minutes. */
const slowest = 400_000
const progress = () => {}

describe("fuzzing", () => {
  it.live(
    `${requests} requests, valid and not, find nothing`,
    () =>
      Effect.map(fuzzHttp({ seed, from: 0, count: requests, connections: 32, progress }), (report) => {
        assert.deepStrictEqual(report.findings, [])
        // Not all of them were refused, and not all of them taken.
        for (const status of ["200", "202", "400", "401", "404", "405", "415"]) {
          assert.isAbove(report.statuses[status] ?? 0, 10, status)
        }
        assert.isAbove(report.twoWays, 50)
      }),
    slowest
  )

  it.live(
    `${records} records, good and not, find nothing`,
    () =>
      Effect.map(fuzzRecords({ seed, from: 0, count: records, progress }), (report) => {
        assert.deepStrictEqual(report.findings, [])
        for (const state of ["succeeded", "invalid"]) assert.isAbove(report.states[state] ?? 0, records / 10, state)
        assert.isAbove(report.repeats, 10)
      }),
    slowest
  )
})
