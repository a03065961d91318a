/**
 * Notices a queue that stands still without a reason: it owns partitions, the
 * topic has more than was read, slots are free, nobody paused it, and yet no
 * task has started and nothing was read for a while. First its membership is rebuilt; when that does
 * not help, the process ends, so that its supervisor starts a sound one.
 */
import { Clock, Duration, Effect } from "effect"
import { Broker } from "../broker/Broker.ts"
import { forkLoop } from "./forkLoop.ts"
import type { Lane } from "./Lane.ts"

export interface WatchdogOptions {
  readonly lanes: ReadonlyArray<Lane>
  /** Neither a start nor a record for so long while there is work counts as standing still, ms. */
  readonly patienceMs: number
  readonly rebuild: (lane: Lane) => Effect.Effect<void>
  /** The queue stands still although it was rebuilt. */
  readonly giveUp: (lane: Lane) => Effect.Effect<void>
}

interface Watched {
  /** Tasks started and records read by then. */
  readonly progress: number
  since: number
  rebuilt: boolean
}

/** Whether tasks of the lane are in memory, running or waiting for their time: then it is not the reading that hangs. */
const isBusy = (lane: Lane): boolean => lane.paused || lane.boxes.running.size > 0 || lane.full

/** Grows with every start and with every record: the tasks of a paused user move to the journal without starting. */
const progressOf = (lane: Lane): number => lane.started + lane.read

export const makeWatchdog = (options: WatchdogOptions) =>
  Effect.gen(function* () {
    const broker = yield* Broker
    const clock = yield* Clock.Clock
    const seen = new Map<Lane, Watched>()

    const hasWork = Effect.fnUntraced(function* (lane: Lane) {
      const ends = yield* broker.ends(lane.actor.topic.name)
      return ends.some((end) => {
        const ownership = lane.owned.get(end.partition)
        return ownership !== undefined && !ownership.draining && end.next > ownership.mark.readTo
      })
    })

    const look = Effect.fnUntraced(function* (lane: Lane) {
      const now = clock.currentTimeMillisUnsafe()
      const watched = seen.get(lane)
      const progress = progressOf(lane)
      if (watched === undefined || watched.progress !== progress || isBusy(lane) || lane.owned.size === 0) {
        seen.set(lane, { progress, since: now, rebuilt: false })
        return
      }
      if (now - watched.since < options.patienceMs) return
      if (!(yield* hasWork(lane))) {
        watched.since = now
        return
      }
      watched.since = now
      if (watched.rebuilt) return yield* options.giveUp(lane)
      watched.rebuilt = true
      yield* Effect.logError(`queue ${lane.actor.name} stands still with work before it: its membership is rebuilt`)
      yield* options.rebuild(lane)
    })

    const round = Effect.forEach(options.lanes, look, { discard: true }).pipe(
      Effect.catch((error) => Effect.logDebug("the watchdog could not look", error.message))
    )
    yield* forkLoop("the watchdog", Effect.andThen(Effect.sleep(Duration.millis(options.patienceMs / 4)), round))
  })
