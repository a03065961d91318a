/** The small structures the runtime stands on, against naive models. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import * as Fifo from "../../src/runtime/Fifo.ts"
import * as RateLimit from "../../src/runtime/RateLimit.ts"
import { makeTimers } from "../../src/runtime/Timers.ts"
import * as Watermark from "../../src/runtime/Watermark.ts"

describe("a watermark", () => {
  it("is the lowest offset that is not journalled, whatever the order of the ends, the gaps and the repeats", () => {
    const offset = fc.integer({ min: 0, max: 40 })
    const steps = fc.array(fc.tuple(fc.constantFrom("read" as const, "pass" as const, "end" as const), offset), {
      maxLength: 200
    })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 }), steps, (start, all) => {
        const mark = Watermark.make(start)
        const done = new Set<number>()
        let readTo = start
        for (const [what, at] of all) {
          if (what === "end") {
            if (at >= readTo) continue
            done.add(at)
            Watermark.journalled(mark, at)
          } else {
            for (let gap = readTo; gap < at; gap++) done.add(gap)
            readTo = Math.max(readTo, what === "read" ? at + 1 : at)
            if (what === "read") Watermark.read(mark, at)
            else Watermark.passed(mark, at)
          }
          let naive = start
          while (done.has(naive)) naive++
          assert.strictEqual(mark.next, naive)
          assert.strictEqual(mark.readTo, readTo)
          for (const ahead of mark.ahead) assert.isAbove(ahead, mark.next)
          for (let at = 0; at <= 42; at++) {
            assert.strictEqual(Watermark.isJournalled(mark, at), at < start || done.has(at))
          }
        }
      }),
      { numRuns: 500 }
    )
  })
})

describe("a list first in first out", () => {
  it("behaves as an array", () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constant("push" as const) },
      { weight: 4, arbitrary: fc.constant("shift" as const) },
      { weight: 1, arbitrary: fc.nat({ max: 60 }) }
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const fifo = Fifo.make<number>()
        const naive: Array<number> = []
        for (const [n, what] of steps.entries()) {
          if (what === "push") {
            Fifo.push(fifo, n)
            naive.push(n)
          } else if (what === "shift") assert.strictEqual(Fifo.shift(fifo), naive.shift())
          else {
            const item = naive[what] ?? -1
            assert.strictEqual(Fifo.remove(fifo, item), item !== -1)
            if (item !== -1) naive.splice(what, 1)
          }
          assert.deepStrictEqual(Fifo.values(fifo), naive)
          assert.strictEqual(Fifo.size(fifo), naive.length)
          assert.strictEqual(Fifo.peek(fifo), naive[0])
        }
      })
    )
  })

  it("keeps no more than what is in it, twice over", () => {
    const fifo = Fifo.make<number>()
    for (let i = 0; i < 10_000; i++) {
      Fifo.push(fifo, i)
      if (i >= 10) Fifo.shift(fifo)
    }
    assert.isBelow(fifo.items.length, 100)
  })
})

describe("a rate limit", () => {
  it("never lets more pass than its count saved up plus its rate, and lets pass when it said it would", () => {
    const rates = fc.record({ count: fc.integer({ min: 1, max: 50 }), perMs: fc.integer({ min: 1, max: 60_000 }) })
    fc.assert(
      fc.property(
        rates,
        fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 80 }),
        (rate, waits) => {
          const bucket = RateLimit.make(rate, 0)
          let [now, spent] = [0, 0]
          for (const wait of waits) {
            now += wait
            const before = RateLimit.waitOf(bucket, now)
            assert.isTrue(Number.isInteger(before) && before >= 0)
            if (before > 0) {
              now += before
              // Rounding of many small refills may leave a hair; never a whole wait.
              now += RateLimit.waitOf(bucket, now)
              assert.strictEqual(RateLimit.waitOf(bucket, now), 0)
            }
            RateLimit.spend(bucket)
            spent++
            assert.isAtMost(spent, rate.count + (now * rate.count) / rate.perMs + 1e-6)
          }
        }
      )
    )
  })

  it("gives and takes nothing for a clock that goes back", () => {
    const bucket = RateLimit.make({ count: 1, perMs: 1_000 }, 10_000)
    RateLimit.spend(bucket)
    assert.strictEqual(RateLimit.waitOf(bucket, 5_000), 1_000)
    assert.strictEqual(RateLimit.waitOf(bucket, 6_000), 0)
  })
})

describe("timers", () => {
  it.effect("ring in order of their times, equal ones in the order they were set, never early", () =>
    Effect.gen(function* () {
      const timers = yield* makeTimers
      const rung: Array<readonly [number, number]> = []
      const times = Array.from({ length: 300 }, (_, i) => (i * 7_919) % 211)
      let now = 0
      for (const [i, at] of times.entries()) timers.set(at, () => rung.push([at, i]))
      for (; now <= 220; now += 20) {
        const passed = rung.length
        for (const [at] of rung) assert.isAtMost(at, now)
        assert.strictEqual(passed, now === 0 ? 0 : times.filter((at) => at <= now).length)
        yield* TestClock.adjust("20 millis")
      }
      const sorted = [...times.entries()].map(([i, at]) => [at, i] as const).sort((a, b) => a[0] - b[0] || a[1] - b[1])
      assert.deepStrictEqual(rung, sorted)
    })
  )

  it.effect("that are set while one rings, for an earlier time or for now, ring too", () =>
    Effect.gen(function* () {
      const timers = yield* makeTimers
      const rung: Array<string> = []
      timers.set(100_000_000, () => rung.push("far"))
      timers.set(1_000, () => {
        rung.push("first")
        timers.set(1_000, () => rung.push("now"))
        timers.set(1_500, () => rung.push("later"))
      })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(rung, ["first", "now", "later"])
      timers.set(500, () => rung.push("past"))
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(rung.at(-1), "past")
      yield* TestClock.adjust("100000 seconds")
      assert.strictEqual(rung.at(-1), "far")
    })
  )
})
