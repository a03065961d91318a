/**
 * Makes slow things visible: a task that has run for more than 100 ms, or has
 * stood in memory for more than a second, gets a row. A fast task is written
 * once, when it has ended.
 */
import { Clock, Duration, Effect } from "effect"
import * as Fifo from "./Fifo.ts"
import type { Flush } from "./Flush.ts"
import { forkLoop } from "./forkLoop.ts"
import type { Lane } from "./Lane.ts"
import { monotonicMs } from "./monotonic.ts"

const runningMs = 100
const queuedMs = 1_000
const lookMs = 50
/** The same where there is nothing to look at: it costs less, and shows a first task that much later. */
const restMs = 250
const looksPerQueueLook = 10

/** Looks as long as the scope is open. */
export const makeVisibility = (lanes: ReadonlyArray<Lane>, flush: Flush) =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    let looks = 0

    const lookAtRunning = (now: number) => {
      for (const lane of lanes) {
        for (const box of lane.boxes.running) {
          const task = Fifo.peek(box.tasks)
          if (task === undefined || task.state !== "in_progress" || task.announced === task.attempt) continue
          if (task.startedAt === null || now - task.startedAt < runningMs) continue
          task.announced = task.attempt
          flush.task(task)
        }
      }
    }

    const lookAtQueued = () => {
      const now = monotonicMs(clock)
      for (const lane of lanes) {
        for (const box of lane.boxes.bySlot.values()) {
          for (let at = box.tasks.head; at < box.tasks.items.length; at++) {
            const task = box.tasks.items[at]!
            if (!task.written && task.state === "queued" && now - task.loadedAt >= queuedMs) flush.task(task)
          }
        }
      }
    }

    const look = Effect.suspend(() => {
      if (lanes.every(({ boxes }) => boxes.bySlot.size === 0)) return Effect.sleep(Duration.millis(restMs))
      const now = clock.currentTimeMillisUnsafe()
      lookAtRunning(now)
      if (++looks % looksPerQueueLook === 0) lookAtQueued()
      return Effect.sleep(Duration.millis(lookMs))
    })
    yield* forkLoop("the look at slow tasks", look)
  })
