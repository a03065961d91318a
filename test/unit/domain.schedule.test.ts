/** Schedules against naive models: a walk minute by minute, and a walk tick by tick. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { dueTicks, nextTick } from "../../src/domain/Schedule.ts"
import type { Schedule, Timing } from "../../src/domain/Schedule.ts"

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

const scheduleOf = (timing: Timing, misfire: Schedule["misfire"], nextAt: number | null): Schedule => ({
  id: "s",
  topic: "t",
  user: null,
  type: "test",
  data: "1",
  timing,
  misfire,
  paused: false,
  nextAt,
  lastAt: null
})

const timeZones = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"] as const
const formats = new Map(
  timeZones.map((timeZone) => [
    timeZone as string,
    new Intl.DateTimeFormat("en-GB", {
      timeZone,
      minute: "2-digit",
      hour: "2-digit",
      day: "2-digit",
      month: "2-digit",
      weekday: "short",
      hourCycle: "h23"
    })
  ])
)
const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]

const anything = () => true

/** One field of an expression, as text and as what it allows. */
const field = (low: number, high: number) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant({ text: "*", allows: anything }) },
    {
      weight: 2,
      arbitrary: fc
        .integer({ min: 2, max: Math.floor((high - low) / 2) })
        .map((step) => ({ text: `*/${step}`, allows: (n: number) => (n - low) % step === 0 }))
    },
    {
      weight: 3,
      arbitrary: fc.uniqueArray(fc.integer({ min: low, max: high }), { minLength: 1, maxLength: 4 }).map((list) => ({
        text: list.join(","),
        allows: (n: number) => list.includes(n)
      }))
    },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.integer({ min: low, max: high }), fc.integer({ min: low, max: high })).map(([a, b]) => ({
        text: `${Math.min(a, b)}-${Math.max(a, b)}`,
        allows: (n: number) => n >= Math.min(a, b) && n <= Math.max(a, b)
      }))
    }
  )

describe("the next tick", () => {
  it("of a cron expression is the first minute whose local time fits, in every time zone", () => {
    // Days on which no clock of these zones changes: what happens on those that do has tests of its own.
    const starts = fc
      .constantFrom("2026-01-30", "2026-02-27", "2026-05-30", "2026-06-29", "2027-12-29")
      .map((day) => Date.parse(day))
    const cases = fc.record({
      minute: field(0, 59),
      hour: field(0, 23),
      weekday: fc.oneof(fc.constant({ text: "*", allows: anything }), field(0, 6)),
      timeZone: fc.constantFrom(...timeZones),
      from: fc.tuple(starts, fc.integer({ min: 0, max: dayMs })).map(([start, more]) => start + more)
    })
    fc.assert(
      fc.property(cases, ({ minute, hour, weekday, timeZone, from }) => {
        const timing = {
          kind: "cron",
          expression: `${minute.text} ${hour.text} * * ${weekday.text}`,
          timeZone
        } as const
        const horizon = from + 2 * dayMs
        let naive: number | null = null
        for (
          let at = Math.floor(from / minuteMs) * minuteMs + minuteMs;
          at <= horizon && naive === null;
          at += minuteMs
        ) {
          const parts = new Map(
            formats
              .get(timeZone)!
              .formatToParts(at)
              .map((part) => [part.type, part.value])
          )
          const fits =
            minute.allows(Number(parts.get("minute"))) &&
            hour.allows(Number(parts.get("hour"))) &&
            weekday.allows(weekdays.indexOf(parts.get("weekday")!))
          if (fits) naive = at
        }
        const tick = nextTick(timing, from)
        if (naive === null) assert.isTrue(tick === null || tick > horizon - minuteMs)
        else assert.strictEqual(tick, naive)
      }),
      { numRuns: 120 }
    )
  })

  it("of a daily expression comes once on the day the clocks go forward and once on the day they go back", () => {
    const days = (from: string) => {
      const timing = { kind: "cron", expression: "30 2 * * *", timeZone: "Europe/Berlin" } as const
      let at = Date.parse(from)
      return Array.from({ length: 3 }, () => new Date((at = nextTick(timing, at)!)).toISOString().slice(0, 16))
    }
    // 02:30 does not exist on 29 March: it is 03:30 then. It exists twice on 25 October: the first counts.
    assert.deepStrictEqual(days("2026-03-28T00:00Z"), ["2026-03-28T01:30", "2026-03-29T01:30", "2026-03-30T00:30"])
    assert.deepStrictEqual(days("2026-10-24T00:00Z"), ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"])
  })

  it("of an expression that is none, or that names a day that never comes, is none", () => {
    for (const [expression, timeZone] of [
      ["bad", "UTC"],
      ["0 0 30 2 *", "UTC"],
      ["* * * * *", "Nowhere/City"],
      ["61 * * * *", "UTC"]
    ] as const) {
      assert.strictEqual(nextTick({ kind: "cron", expression, timeZone }, 0), null)
    }
    assert.strictEqual(nextTick({ kind: "every", everyMs: 0, from: 0 }, 5), null)
  })

  it("of an instant is the instant before it has come and none afterwards", () => {
    assert.strictEqual(nextTick({ kind: "at", at: 10 }, 9), 10)
    assert.strictEqual(nextTick({ kind: "at", at: 10 }, 10), null)
  })

  it("of an interval is the first of its series that is later", () => {
    const numbers = fc.integer({ min: 0, max: 5_000 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), numbers, numbers, (everyMs, from, after) => {
        let naive = from
        while (naive <= after) naive += everyMs
        assert.strictEqual(nextTick({ kind: "every", everyMs, from }, after), naive)
      })
    )
  })
})

describe("what is due", () => {
  /** The same by a walk forward from the tick that was noted. */
  const naively = (schedule: Schedule, now: number, graceMs: number) => {
    const all: Array<number> = []
    let at = schedule.nextAt
    while (at !== null && at <= now) {
      all.push(at)
      at = nextTick(schedule.timing, at)
    }
    const late = all.slice(-1_000)
    const ticks = { all: late, once: all.slice(-1), skip: late.filter((tick) => tick > now - graceMs) }[
      schedule.misfire
    ]
    return { ticks, nextAt: at, lastAt: all.at(-1) ?? null }
  }

  const timings = fc.oneof(
    fc.record({
      kind: fc.constant("every" as const),
      everyMs: fc.integer({ min: 1, max: 90_000 }),
      from: fc.integer({ min: 0, max: 100_000 })
    }),
    fc.record({ kind: fc.constant("at" as const), at: fc.integer({ min: 0, max: 200_000 }) }),
    fc.record({
      kind: fc.constant("cron" as const),
      expression: fc.constantFrom(
        "* * * * *",
        "*/7 * * * *",
        "0 * * * *",
        "15,45 0-3 * * *",
        "*/20 * * * * *",
        "0 0 30 2 *"
      ),
      timeZone: fc.constantFrom(...timeZones)
    })
  )

  it("is by each policy what a walk from tick to tick finds", () => {
    fc.assert(
      fc.property(
        timings,
        fc.constantFrom("skip" as const, "once" as const, "all" as const),
        fc.integer({ min: 0, max: 200_000 }),
        fc.integer({ min: 0, max: 600_000 }),
        fc.integer({ min: 0, max: 120_000 }),
        (timing, misfire, start, passed, graceMs) => {
          const schedule = scheduleOf(timing, misfire, nextTick(timing, start))
          const { ticks, after } = dueTicks(schedule, start + passed, graceMs)
          const naive = naively(schedule, start + passed, graceMs)
          assert.deepStrictEqual([...ticks], naive.ticks)
          assert.strictEqual(after.nextAt, naive.nextAt)
          assert.strictEqual(after.lastAt, naive.lastAt)
        }
      ),
      { numRuns: 200 }
    )
  })

  it("is nothing while the tick is still to come, and the schedule stays as it was", () => {
    const schedule = scheduleOf({ kind: "at", at: 100 }, "all", 100)
    assert.deepStrictEqual(dueTicks(schedule, 99, 0), { ticks: [], after: schedule })
  })

  it("comes at once after ten years asleep, also for a schedule of every second", () => {
    for (const timing of [
      { kind: "every", everyMs: 1, from: 0 },
      { kind: "cron", expression: "* * * * * *", timeZone: "Europe/Berlin" }
    ] as const) {
      const now = 3_650 * dayMs
      const before = performance.now()
      const { ticks, after } = dueTicks(scheduleOf(timing, "all", 1_000), now, 60_000)
      assert.isBelow(performance.now() - before, 1_000)
      assert.strictEqual(ticks.length, 1_000)
      assert.strictEqual(ticks.at(-1), now)
      assert.isAbove(after.nextAt!, now)
    }
  })
})
