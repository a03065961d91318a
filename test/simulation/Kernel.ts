/**
 * One thread that plays a cluster: processes with a scheduler, a clock and
 * chance of their own, all drawn from one seed. When nobody has anything to do,
 * time jumps to the next timer. A process that is killed never runs another
 * instruction; one that is frozen goes on later as if nothing had happened.
 */
import type { Clock, Random, Scheduler } from "effect"
import { Duration, Effect } from "effect"
import type { Chance } from "./Chance.ts"
import * as Heap from "./Heap.ts"

export type ProcessState = "running" | "frozen" | "dead"

export interface Process {
  readonly name: string
  state: ProcessState
  /** What its clock shows more than the kernel's, ms. */
  skew: number
  /** What it would have done while it was frozen. */
  readonly postponed: Array<() => void>
  readonly clock: Clock.Clock
  readonly scheduler: Scheduler.Scheduler
  readonly random: Random.Random
}

export interface KernelOptions {
  readonly chance: Chance
  /** Whether what is ready runs in any order, or first come, first served. */
  readonly anyOrder: boolean
  /** Operations a fiber may do before another gets its turn. */
  readonly operations: number
}

interface Ready {
  readonly process: Process
  readonly run: () => void
}

export interface Timer {
  readonly at: number
  readonly order: number
  readonly process: Process
  run: (() => void) | null
}

/** What the kernel's clock shows at the start: 1 January 2026. */
export const epoch = 1_767_225_600_000

export const makeKernel = (options: KernelOptions) => {
  const { chance } = options
  const timers: Array<Timer> = []
  let ready: Array<Ready> = []
  let head = 0
  let now = 0
  let order = 0
  let steps = 0
  const dying: Array<() => void> = []
  /** Timers ring at multiples of it, ms. */
  let grain = 1

  /** Lets `process` do something as soon as it can. */
  const push = (process: Process, run: () => void): void => {
    if (process.state === "dead") return
    if (process.state === "frozen") process.postponed.push(run)
    else ready.push({ process, run })
  }

  const after = (process: Process, ms: number, run: () => void): Timer => {
    const at = grain === 1 ? now + ms : Math.ceil((now + ms) / grain) * grain
    const timer: Timer = { at: Math.max(now, Math.ceil(at)), order: order++, process, run }
    Heap.insert(timers, timer)
    return timer
  }

  const next = (): Ready => {
    if (options.anyOrder && ready.length - head > 1) {
      const other = head + chance.below(ready.length - head)
      const taken = ready[other]!
      ready[other] = ready[head]!
      ready[head] = taken
    }
    const taken = ready[head++]!
    if (head > 512 && head * 2 > ready.length) {
      ready = ready.slice(head)
      head = 0
    }
    return taken
  }

  const turnTime = (): boolean => {
    while (timers.length > 0 && timers[0]!.run === null) Heap.extract(timers)
    const first = timers[0]
    if (first === undefined) return false
    now = Math.max(now, first.at)
    while (timers.length > 0 && timers[0]!.at <= now) {
      const { process, run } = Heap.extract(timers)
      if (run !== null) push(process, run)
    }
    return true
  }

  /** Does the next thing; false where nobody will ever do anything again. */
  const step = (): boolean => {
    while (head === ready.length) if (!turnTime()) return false
    const { process, run } = next()
    if (process.state === "frozen") process.postponed.push(run)
    else if (process.state === "running") {
      steps++
      run()
      // A process dies between two of its instructions, also when it kills itself.
      if (dying.length > 0) for (const die of dying.splice(0)) die()
    }
    return true
  }

  const spawn = (name: string, operations = options.operations): Process => {
    const process: Process = {
      name,
      state: "running",
      skew: 0,
      postponed: [],
      clock: undefined as never,
      scheduler: undefined as never,
      random: undefined as never
    }
    const millis = () => epoch + now + process.skew
    const nanos = () => BigInt(millis()) * 1_000_000n
    const monotonic = () => BigInt(now) * 1_000_000n
    const clock: Clock.Clock = {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic),
      sleep: (duration) =>
        Effect.callback<void>((resume) => {
          const ms = Duration.toMillis(duration)
          if (ms === Number.POSITIVE_INFINITY) return
          const timer = after(process, ms, () => resume(Effect.void))
          return Effect.sync(() => {
            timer.run = null
          })
        })
    }
    const dispatcher: Scheduler.SchedulerDispatcher = {
      scheduleTask: (task) => push(process, task),
      flush: () => {}
    }
    const scheduler: Scheduler.Scheduler = {
      executionMode: "async",
      shouldYield: (fiber) => fiber.currentOpCount >= operations,
      makeDispatcher: () => dispatcher
    }
    const random: Random.Random = {
      nextIntUnsafe: () => chance.below(0x7fffffff),
      nextDoubleUnsafe: () => chance.next()
    }
    return Object.assign(process, { clock, scheduler, random })
  }

  return {
    spawn,
    push,
    after,
    step,
    now: () => now,
    steps: () => steps,
    setGrain: (ms: number) => {
      grain = ms
    },
    /** Kills a process as soon as what is being done is done; `buried` is called then, once. */
    kill: (process: Process, buried: () => void) => {
      dying.push(() => {
        if (process.state === "dead") return
        process.state = "dead"
        process.postponed.length = 0
        buried()
      })
    },
    freeze: (process: Process) => {
      if (process.state === "running") process.state = "frozen"
    },
    thaw: (process: Process) => {
      if (process.state !== "frozen") return
      process.state = "running"
      for (const run of process.postponed.splice(0)) push(process, run)
    }
  }
}

export type Kernel = ReturnType<typeof makeKernel>
