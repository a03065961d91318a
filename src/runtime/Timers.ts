/**
 * One alarm clock for everything that waits: a heap of instants and a single
 * fiber that sleeps until the earliest. Timers are not cancelled; who set one
 * looks, when it rings, whether it still means anything.
 */
import { Clock, Duration, Effect } from "effect"
import { makeSignal } from "../broker/Signal.ts"
import { forkLoop } from "./forkLoop.ts"

interface Timer {
  readonly at: number
  readonly order: number
  readonly ring: () => void
}

export interface Timers {
  /** Calls `ring` once the clock shows `at` (ms). */
  readonly set: (at: number, ring: () => void) => void
}

const earlier = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

const insert = (heap: Array<Timer>, timer: Timer): void => {
  let at = heap.push(timer) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!earlier(timer, heap[parent]!)) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = timer
}

const extract = (heap: Array<Timer>): Timer => {
  const first = heap[0]!
  const last = heap.pop()!
  if (heap.length === 0) return first
  let at = 0
  while (true) {
    let child = at * 2 + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && earlier(heap[child + 1]!, heap[child]!)) child++
    if (!earlier(heap[child]!, last)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = last
  return first
}

/** The longest sleep, ms: timers of the platform do not reach further, and a clock may jump. */
const longest = 60_000

/** Timers that ring as long as the scope is open. */
export const makeTimers = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const heap: Array<Timer> = []
  const changed = makeSignal()
  let order = 0

  const loop = Effect.gen(function* () {
    const now = clock.currentTimeMillisUnsafe()
    while (heap.length > 0 && heap[0]!.at <= now) extract(heap).ring()
    const next = heap[0]
    if (next === undefined) return yield* changed.wait
    yield* Effect.raceFirst(changed.wait, Effect.sleep(Duration.millis(Math.min(longest, next.at - now))))
  })
  yield* forkLoop("the alarm clock", loop)

  return {
    set: (at, ring) => {
      insert(heap, { at, order: order++, ring })
      if (heap[0]!.ring === ring) changed.ring()
    }
  } satisfies Timers
})
