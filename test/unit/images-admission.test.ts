/** Who gets a share of what is bounded, and when. Time is virtual. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { type Admission, makeAdmission, type Urgency } from "../../src/services/images/Admission.ts"

/** Somebody who comes for `share` and stays until told to go. */
const comer = (admission: Admission, entered: Array<string>, name: string, share: number, urgency: Urgency = "live") =>
  Effect.gen(function* () {
    const go = yield* Deferred.make<void>()
    const inside = Effect.andThen(
      Effect.sync(() => entered.push(name)),
      Deferred.await(go)
    )
    const fiber = yield* Effect.forkChild(admission.within(share, urgency)(inside), { startImmediately: true })
    yield* Effect.yieldNow
    return { fiber, leave: Effect.andThen(Deferred.succeed(go, undefined), Fiber.join(fiber)) }
  })

describe("what is bounded", () => {
  it.effect("is never given to more than it holds, and in turn", () =>
    Effect.gen(function* () {
      const admission = makeAdmission(2)
      const entered: Array<string> = []
      const a = yield* comer(admission, entered, "a", 1)
      const b = yield* comer(admission, entered, "b", 1)
      const c = yield* comer(admission, entered, "c", 1)
      const d = yield* comer(admission, entered, "d", 1)
      assert.deepStrictEqual(entered, ["a", "b"])
      yield* b.leave
      yield* Effect.yieldNow
      assert.deepStrictEqual(entered, ["a", "b", "c"])
      yield* Effect.all([a.leave, c.leave, d.leave])
      assert.deepStrictEqual(entered, ["a", "b", "c", "d"])
    })
  )

  it.effect("goes to what somebody waits for first, until the other has waited five seconds longer", () =>
    Effect.gen(function* () {
      const admission = makeAdmission(1)
      const entered: Array<string> = []
      const first = yield* comer(admission, entered, "first", 1)
      const old = yield* comer(admission, entered, "old backfill", 1, "backfill")
      yield* TestClock.adjust("4 seconds")
      const early = yield* comer(admission, entered, "early live", 1)
      yield* TestClock.adjust("2 seconds")
      const late = yield* comer(admission, entered, "late live", 1)
      for (const one of [first, early, old, late]) yield* one.leave
      assert.deepStrictEqual(entered, ["first", "early live", "old backfill", "late live"])
    })
  )

  it.effect("is kept for who needs much and came first: those who need little do not pass for ever", () =>
    Effect.gen(function* () {
      const admission = makeAdmission(10)
      const entered: Array<string> = []
      const small = yield* comer(admission, entered, "small", 4)
      const large = yield* comer(admission, entered, "large", 100)
      const other = yield* comer(admission, entered, "other", 1)
      assert.deepStrictEqual(entered, ["small"])
      yield* small.leave
      yield* Effect.yieldNow
      assert.deepStrictEqual(entered, ["small", "large"], "all of it, for who asks for more than all")
      yield* large.leave
      yield* other.leave
    })
  )

  it.effect("comes back whole when those inside and those in line are interrupted", () =>
    Effect.gen(function* () {
      const admission = makeAdmission(1)
      const entered: Array<string> = []
      const inside = yield* comer(admission, entered, "inside", 1)
      const waiting = yield* comer(admission, entered, "waiting", 1)
      yield* Fiber.interrupt(waiting.fiber)
      yield* Fiber.interrupt(inside.fiber)
      // Let in and interrupted before it has noticed.
      const both = yield* Effect.all([comer(admission, entered, "x", 1), comer(admission, entered, "y", 1)])
      yield* Effect.all(
        both.map(({ fiber }) => Fiber.interrupt(fiber)),
        { concurrency: 2 }
      )
      const last = yield* comer(admission, entered, "last", 1)
      assert.strictEqual(entered.at(-1), "last")
      yield* last.leave
    })
  )
})
