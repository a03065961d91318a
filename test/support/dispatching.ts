/** A dispatcher over queues that a test fills, with attempts that only listen. */
import { Clock, Effect } from "effect"
import type { Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { Membership } from "../../src/broker/Broker.ts"
import type { ActorOptions } from "../../src/runtime/Actor.ts"
import { makeWishes } from "../../src/runtime/Wishes.ts"
import { makeDispatcher } from "../../src/runtime/Dispatcher.ts"
import type { Lane, LiveTask } from "../../src/runtime/Lane.ts"
import * as Mailboxes from "../../src/runtime/Mailboxes.ts"
import * as RateLimit from "../../src/runtime/RateLimit.ts"
import { makeTimers } from "../../src/runtime/Timers.ts"
import { laneOf, liveTask, ownershipOf } from "./liveTasks.ts"
import { actorOf } from "./runtimeWorld.ts"
import type { Numbered } from "./runtimeWorld.ts"

/** A queue with nothing in it. */
export const queue = (name: string, more: Partial<ActorOptions<Numbered, never, never>> = {}): Lane => {
  const actor = actorOf(() => Effect.void, { name, ...more })
  const { rate } = actor.policy
  return { ...laneOf(actor), bucket: rate === null ? null : RateLimit.make(rate, 0) }
}

/** Lets what is ready go on. */
export const settled = TestClock.adjust("0 millis")

/** A dispatcher over queues, at a process of so many slots. */
export const makeOver = Effect.fnUntraced(function* (lanes: ReadonlyArray<Lane>, slots = 100) {
  const clock = yield* Clock.Clock
  const timers = yield* makeTimers
  const running: Fiber.Fiber<unknown> = yield* Effect.forkScoped(Effect.never)
  const started: Array<string> = []
  const stopped: Array<string> = []
  const alarms: Array<number> = []
  /** What runs when a task is started. */
  const on: { start: (task: LiveTask) => void } = { start: () => {} }
  const seen = { isInformed: true }
  const wishes = Object.defineProperty(makeWishes(), "seenAt", {
    get: () => (seen.isInformed ? clock.currentTimeMillisUnsafe() : Number.NEGATIVE_INFINITY)
  })
  const owners = new Map(lanes.map((lane) => [lane, ownershipOf(lane)]))
  const add = (name: string, more: Partial<LiveTask> = {}, lane = lanes[0]!, at = 0) =>
    liveTask(owners.get(lane)!, started.length, { id: name, deadline: Number.POSITIVE_INFINITY, ...more }, name, at)
  const dispatcherOf = makeDispatcher({
    lanes,
    slots,
    wishes,
    timers: {
      set: (at, ring) => {
        alarms.push(at)
        timers.set(at, ring)
      }
    },
    attempts: {
      start: (task) => {
        started.push(task.id)
        task.state = "in_progress"
        task.fiber = running
        on.start(task)
      },
      stop: (task, reason) => stopped.push(`${task.id} ${reason}`)
    },
    settlement: {
      settle: () => {},
      invalid: () => {},
      cancelQueued: () => false,
      park: (task, until) => {
        started.push(`${task.id} parked until ${until}`)
        Mailboxes.wait(task.ownership.lane.boxes, task.box)
      }
    }
  })
  /** The task has ended. */
  const end = (task: LiveTask) => {
    task.state = "succeeded"
    task.fiber = null
    Mailboxes.finish(task.ownership.lane.boxes, task.box, clock.currentTimeMillisUnsafe())
  }
  /** Membership of a group that is as sure of its partitions as `group` says. */
  const join = (lane: Lane, group: { isSure: boolean; holds: boolean }) => {
    lane.membership = { isSure: () => group.isSure, holds: () => group.holds } as Partial<Membership> as Membership
    return group
  }
  return { dispatcherOf, add, end, join, started, stopped, alarms, on, seen, running, owners }
})
