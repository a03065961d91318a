/**
 * Decides what runs next, for all queues of the process. Among the queues that
 * may start something (not paused, below their concurrency, with a token), the
 * one whose first mailbox has waited longest goes first, where a queue or task
 * of lower priority counts as having come later. Within a queue the keys take
 * turns, so a user with a thousand tasks gets the same share as one with five.
 */
import { Clock, Duration, Effect } from "effect"
import { makeSignal } from "../broker/Signal.ts"
import type { Priority } from "../domain/Outcome.ts"
import * as Fifo from "./Fifo.ts"
import type { Attempts } from "./Attempts.ts"
import { poisonous } from "./Attempts.ts"
import { forkLoop } from "./forkLoop.ts"
import type { Lane, LiveTask } from "./Lane.ts"
import * as Mailboxes from "./Mailboxes.ts"
import { monotonicMs } from "./monotonic.ts"
import * as RateLimit from "./RateLimit.ts"
import type { Settlement } from "./Settlement.ts"
import type { Timers } from "./Timers.ts"
import { isInformed } from "./Wishes.ts"
import type { Wishes } from "./Wishes.ts"

export interface Dispatcher {
  /** Something may have become startable. */
  readonly ring: () => void
}

export interface DispatcherOptions {
  readonly lanes: ReadonlyArray<Lane>
  readonly attempts: Attempts
  readonly settlement: Settlement
  readonly timers: Timers
  readonly wishes: Wishes
  /** Most tasks that run at a time in this process. */
  readonly slots: number
}

/** Starts per turn of the loop, after which timers and sockets get their turn. */
const turn = 128

/** How often running attempts are looked at for their deadline, ms. */
const sweepMs = 50

/**
 * How long what runs may take to end where a task has to run alone, ms. Then it is put back, as in a drain: one long
 * attempt must not keep everybody else waiting for a suspect's turn.
 */
const makeWayMs = 5_000

const runningIn = (lanes: ReadonlyArray<Lane>): number => {
  let running = 0
  for (const lane of lanes) running += lane.boxes.running.size
  return running
}

const runningTasks = (lanes: ReadonlyArray<Lane>): ReadonlyArray<LiveTask> =>
  lanes.flatMap((lane) => [...lane.boxes.running].map((box) => Fifo.peek(box.tasks)!))

/** How soon it is looked again where partitions or pauses are not known for sure, ms. */
const unsureMs = 100

interface Choice {
  readonly lane: Lane
  readonly priority: Priority
}

export const makeDispatcher = (options: DispatcherOptions) =>
  Effect.gen(function* () {
    const { lanes, attempts, settlement, timers, wishes, slots } = options
    const clock = yield* Clock.Clock
    const bell = makeSignal()
    const begun = makeSignal()
    /** A task that must run with nothing beside it. */
    let alone: LiveTask | null = null
    /** When it is looked again although nothing has rung. */
    let lookAt = 0
    /** When the others are put back for it. */
    let wayAt = 0
    /** The same, while it runs. */
    let solo: LiveTask | null = null

    const lookLater = (now: number): void => {
      if (lookAt > now && lookAt <= now + unsureMs) return
      lookAt = now + unsureMs
      timers.set(lookAt, bell.ring)
    }

    const pick = (now: number): Choice | undefined => {
      if (!isInformed(wishes, now)) {
        lookLater(now)
        return undefined
      }
      let best: Choice | undefined
      let bestRank = Number.POSITIVE_INFINITY
      for (const lane of lanes) {
        const { policy } = lane.actor
        if (lane.paused || lane.boxes.running.size >= policy.concurrency) continue
        const next = Mailboxes.nextLine(lane.boxes)
        if (next === undefined) continue
        if (lane.membership !== null && !lane.membership.isSure()) {
          lookLater(now)
          continue
        }
        const rank = next.rank + Mailboxes.handicapOf(policy.priority)
        if (rank >= bestRank) continue
        if (lane.bucket !== null) {
          const wait = RateLimit.waitOf(lane.bucket, now)
          if (wait > 0) {
            timers.set(now + wait, bell.ring)
            continue
          }
        }
        bestRank = rank
        best = { lane, priority: next.priority }
      }
      return best
    }

    const start = (task: LiveTask): void => {
      attempts.start(task)
      begun.ring()
    }

    const startNext = ({ lane, priority }: Choice, now: number) => {
      const box = Mailboxes.take(lane.boxes, priority)
      const task = Fifo.peek(box.tasks)!
      // Another's by now, which is about to be told.
      if (lane.membership?.holds(box.partition) === false) return Mailboxes.wait(lane.boxes, box)
      if (task.notBefore !== null && task.notBefore > now) return settlement.park(task, task.notBefore)
      if (lane.bucket !== null) RateLimit.spend(lane.bucket)
      if (task.crashes >= poisonous) {
        alone = task
        wayAt = now + makeWayMs
        timers.set(wayAt, bell.ring)
        return
      }
      start(task)
    }

    /** What runs beside `suspect` ends by itself, or is put back once it has had its time. */
    const makeWay = (suspect: LiveTask): false => {
      if (clock.currentTimeMillisUnsafe() < wayAt) return false
      for (const task of runningTasks(lanes)) if (task !== suspect && task.fiber !== null) attempts.stop(task, "drain")
      return false
    }

    /** One turn; true when there may be more to start at once. */
    const work = (): boolean => {
      for (let started = 0; started < turn; started++) {
        const running = runningIn(lanes)
        if (alone !== null) {
          // Its own mailbox counts as running: one means that it is the only one.
          if (!alone.ownership.alive || alone.state !== "queued") alone = null
          else if (running > 1) return makeWay(alone)
          else {
            const task = alone
            alone = null
            solo = task
            start(task)
          }
          continue
        }
        if (solo !== null) {
          if (solo.fiber !== null || (solo.state === "in_progress" && solo.ownership.alive)) return false
          solo = null
        }
        if (running >= slots) return false
        const now = clock.currentTimeMillisUnsafe()
        const choice = pick(now)
        if (choice === undefined) return false
        startNext(choice, now)
      }
      return true
    }
    const loop = Effect.suspend(() => (work() ? Effect.yieldNow : bell.wait))
    yield* forkLoop("the dispatcher", loop)

    // Where nothing runs it rests: a process with nothing to do should cost next to nothing.
    const sweep = Effect.suspend(() => {
      if (runningIn(lanes) === 0) return begun.wait
      const now = monotonicMs(clock)
      for (const lane of lanes) {
        for (const box of lane.boxes.running) {
          const task = Fifo.peek(box.tasks)
          if (task?.fiber && task.deadline <= now) attempts.stop(task, "timeout")
        }
      }
      return Effect.sleep(Duration.millis(sweepMs))
    })
    yield* forkLoop("the deadline sweep", sweep)

    return { ring: bell.ring } satisfies Dispatcher
  })
