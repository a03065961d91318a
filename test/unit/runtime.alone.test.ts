/** A task over which workers have died is run with nothing beside it: how it gets its turn, and how it gives it back. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { poisonous } from "../../src/runtime/Attempts.ts"
import * as Mailboxes from "../../src/runtime/Mailboxes.ts"
import { makeOver, queue, settled } from "../support/dispatching.ts"

describe("a task that is to run alone", () => {
  it.effect("is one over which three workers have died; over two, it runs beside the others", () =>
    Effect.gen(function* () {
      const { dispatcherOf, add, started } = yield* makeOver([queue("work")])
      add("suspect", { crashes: poisonous - 1 })
      add("ann")
      yield* dispatcherOf
      yield* settled
      assert.strictEqual(poisonous, 3)
      assert.deepStrictEqual(started, ["suspect", "ann"])
    })
  )

  it.effect("is started at once where nothing runs, and all others of all queues after it", () =>
    Effect.gen(function* () {
      const [one, other] = [queue("one"), queue("other")]
      const { dispatcherOf, add, end, started, stopped } = yield* makeOver([one, other])
      const suspect = add("suspect", { crashes: poisonous }, one)
      add("ann", {}, one)
      add("bob", {}, other)
      const { ring } = yield* dispatcherOf
      yield* settled
      assert.deepStrictEqual(started, ["suspect"])
      ring()
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(started, ["suspect"])
      end(suspect)
      ring()
      yield* settled
      assert.deepStrictEqual(started, ["suspect", "ann", "bob"])
      assert.deepStrictEqual(stopped, [])
    })
  )

  it.effect("waits for what runs to end by itself, while nothing else is started", () =>
    Effect.gen(function* () {
      const [one, other] = [queue("one"), queue("other")]
      const { dispatcherOf, add, end, started, stopped } = yield* makeOver([one, other])
      const [ann, bob] = [add("ann", {}, one), add("bob", {}, other)]
      const suspect = add("suspect", { crashes: poisonous }, one, 1)
      const { ring } = yield* dispatcherOf
      yield* settled
      add("cid", {}, other)
      end(ann)
      ring()
      yield* settled
      assert.deepStrictEqual(started, ["ann", "bob"])
      end(bob)
      ring()
      yield* settled
      assert.deepStrictEqual(started, ["ann", "bob", "suspect"])
      end(suspect)
      ring()
      yield* settled
      assert.deepStrictEqual(started, ["ann", "bob", "suspect", "cid"])
      assert.deepStrictEqual(stopped, [])
    })
  )

  it.effect("has what still runs after five seconds put back, but not what has not begun, nor itself", () =>
    Effect.gen(function* () {
      const lane = queue("work")
      const { dispatcherOf, add, end, on, started, stopped, running } = yield* makeOver([lane])
      on.start = (task) => {
        if (task.id === "unbegun") task.fiber = null
      }
      yield* TestClock.adjust("1 second")
      const [ann, unbegun] = [add("ann"), add("unbegun")]
      // One that is cut off while it makes way still has its fiber.
      add("suspect", { crashes: poisonous, fiber: running })
      const { ring } = yield* dispatcherOf
      yield* settled
      yield* TestClock.adjust("4999 millis")
      ring()
      yield* settled
      assert.deepStrictEqual(stopped, [])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(stopped, ["ann drain"])
      assert.deepStrictEqual(started, ["ann", "unbegun"])
      for (const task of [ann, unbegun]) {
        task.state = "queued"
        task.fiber = null
        Mailboxes.wait(lane.boxes, task.box)
      }
      ring()
      yield* settled
      assert.deepStrictEqual(started, ["ann", "unbegun", "suspect"])
      end(ann)
    })
  )

  it.effect("gives its turn up where its partition goes, or it is cancelled, while it waits for it", () =>
    Effect.gen(function* () {
      for (const how of ["lost", "cancelled"]) {
        const lane = queue("work")
        const { dispatcherOf, add, started, owners } = yield* makeOver([lane])
        add("ann")
        const suspect = add("suspect", { crashes: poisonous })
        const { ring } = yield* dispatcherOf
        yield* settled
        add("bob")
        ring()
        yield* settled
        assert.deepStrictEqual(started, ["ann"])
        if (how === "lost") owners.get(lane)!.alive = false
        else suspect.state = "cancelled"
        ring()
        yield* settled
        assert.deepStrictEqual(started, ["ann", "bob"])
      }
    })
  )

  it.effect("is alone from its start on, also while that is being written, until it has ended or was put back", () =>
    Effect.gen(function* () {
      const { dispatcherOf, add, on, started, running } = yield* makeOver([queue("work")])
      on.start = (task) => {
        task.fiber = null
      }
      const suspect = add("suspect", { crashes: poisonous })
      add("ann")
      const { ring } = yield* dispatcherOf
      const look = Effect.andThen(Effect.sync(ring), settled)
      yield* look
      assert.deepStrictEqual(started, ["suspect"], "its start is being written")
      suspect.fiber = running
      yield* look
      // Told that its partition is another's, it may go on for a while.
      suspect.ownership.alive = false
      yield* look
      assert.deepStrictEqual(started, ["suspect"], "it runs")
      suspect.fiber = null
      yield* look
      assert.deepStrictEqual(started, ["suspect", "ann"])
    })
  )

  it.effect("lets the others go when it was put back", () =>
    Effect.gen(function* () {
      const { dispatcherOf, add, started } = yield* makeOver([queue("work")])
      const suspect = add("suspect", { crashes: poisonous })
      add("ann")
      const { ring } = yield* dispatcherOf
      yield* settled
      suspect.state = "queued"
      suspect.fiber = null
      ring()
      yield* settled
      assert.deepStrictEqual(started, ["suspect", "ann"])
    })
  )

  it.effect("has a deadline as others have", () =>
    Effect.gen(function* () {
      const { dispatcherOf, add, stopped } = yield* makeOver([queue("work")])
      const { ring } = yield* dispatcherOf
      yield* settled
      add("suspect", { crashes: poisonous, deadline: 700 })
      ring()
      yield* TestClock.adjust("700 millis")
      assert.deepStrictEqual(stopped, ["suspect timeout"])
    })
  )
})
