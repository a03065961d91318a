/**
 * The way between a process and the servers it talks to (the database that
 * holds topics and journal). A call travels there, takes place in the server's
 * own process, and its answer travels back: any of the three may be late or
 * never happen, and the one who called may be dead or frozen by then.
 */
import type { Context } from "effect"
import { Context as Contexts, Effect, Scheduler } from "effect"
import type { Chance } from "./Chance.ts"
import type { Kernel, Process } from "./Kernel.ts"

/** What becomes of a call. */
export type Fate = "ok" | "lost" | "unknown" | "late" | "dieBefore" | "dieAfter"

export interface NetworkOptions {
  readonly kernel: Kernel
  readonly server: Process
  readonly chance: Chance
  /** Longest usual way, ms; 0 for none. */
  readonly latencyMs: number
  /** Probability of each fate but `ok`. */
  readonly fates: Readonly<Partial<Record<Fate, number>>>
  /** Notes a fault. */
  readonly noted: (process: Process, what: string) => void
  readonly kill: (process: Process) => void
}

/** Whether an effect already runs inside the server: then it needs no way there. */
export const InServer = Contexts.Reference<boolean>("simulation/InServer", { defaultValue: () => false })

export interface CallOptions<E> {
  readonly name: string
  /** The error of a call that was not answered; undefined where the call can only be slow. */
  readonly unanswered?: (() => E) | undefined
  /** Whether it may take place after its caller was told that it failed. */
  readonly mayBeLate?: boolean
}

export const makeNetwork = (options: NetworkOptions) => {
  const { kernel, server, chance, fates, noted, kill } = options
  let down = false
  let waiting: Array<() => void> = []
  let quiet = false
  /** Calls that were given up by their callers and are still to take place. */
  let late = 0
  /** How often each point of failure was passed and hit. */
  const points = new Map<string, { passed: number; hit: number }>()

  const drawn = Object.entries(fates).filter(([, probability]) => probability > 0) as Array<[Fate, number]>

  const fateOf = <E>(call: CallOptions<E>): Fate => {
    if (quiet || drawn.length === 0) return "ok"
    let drawnNumber = chance.next()
    for (const [fate, probability] of drawn) {
      if (drawnNumber >= probability) {
        drawnNumber -= probability
        continue
      }
      if (call.unanswered === undefined && fate !== "dieBefore" && fate !== "dieAfter") return "ok"
      if (fate === "late" && call.mayBeLate !== true) return "unknown"
      return fate
    }
    return "ok"
  }

  const way = (): number =>
    options.latencyMs === 0 || quiet
      ? 0
      : chance.is(0.02)
        ? chance.below(options.latencyMs * 20)
        : chance.below(options.latencyMs)

  const after = (process: Process, ms: number, run: () => void): void => {
    if (ms === 0) kernel.push(process, run)
    else kernel.after(process, ms, run)
  }

  const whenUp = (run: () => void): void => {
    if (down) waiting.push(run)
    else run()
  }

  const inside = new Map<Process, Context.Context<never>>()

  /** The services of a process, as they are inside the server: the same for all of its calls. */
  const thereOf = (process: Process, context: Context.Context<never>): Context.Context<never> => {
    let there = inside.get(process)
    if (there === undefined) {
      there = Contexts.add(Contexts.add(context, Scheduler.Scheduler, server.scheduler), InServer, true)
      inside.set(process, there)
    }
    return there
  }

  /** Makes `effect`, which takes place in the server, callable from `process`. */
  const call = <A, E, R>(
    process: Process,
    options: CallOptions<E>,
    effect: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R> =>
    Effect.contextWith((context: Context.Context<R>) => {
      if (Contexts.get(context, InServer)) return effect
      const there = thereOf(process, context) as Context.Context<R>
      return Effect.callback<A, E>((resume) => {
        if (process.state === "dead") return
        const fate = fateOf(options)
        const { name } = options
        let point = points.get(name)
        if (point === undefined) points.set(name, (point = { passed: 0, hit: 0 }))
        point.passed++
        if (fate !== "ok") {
          point.hit++
          noted(process, `${fate} ${name}`)
        }
        if (fate === "dieBefore") return void kernel.push(process, () => kill(process))
        let begun = false
        let finished = false
        let given = false
        let ended: (() => void) | undefined
        const takePlace = () => {
          if (given) return
          begun = true
          Effect.runForkWith(there)(effect).addObserver((exit) => {
            finished = true
            ended?.()
            if (fate === "dieAfter") return kill(process)
            if (fate === "late") return void late--
            const answer = fate === "unknown" ? Effect.fail(options.unanswered!()) : exit
            after(process, way(), () => resume(answer))
          })
        }
        if (fate === "lost") {
          after(process, way() + 1, () => resume(Effect.fail(options.unanswered!())))
          return
        }
        if (fate === "late") {
          after(process, way() + 1, () => resume(Effect.fail(options.unanswered!())))
          late++
          after(server, 1 + chance.below(3_000), takePlace)
          return
        }
        after(server, way(), () => whenUp(takePlace))
        // Who gives a call up waits until it is known whether it took place, as a driver does that cancels a query.
        return Effect.callback<void>((done) => {
          given = true
          if (!begun || finished) return done(Effect.void)
          ended = () => kernel.push(process, () => done(Effect.void))
        })
      })
    })

  return {
    call,
    points,
    /** Nothing that nobody waits for is on its way. */
    isIdle: () => late === 0,
    /** Nobody is answered from now on, until it is up again. */
    setDown: (is: boolean) => {
      down = is
      if (down) return
      const all = waiting
      waiting = []
      for (const run of all) kernel.push(server, run)
    },
    /** Faults stop. */
    heal: () => {
      quiet = true
    }
  }
}

export type Network = ReturnType<typeof makeNetwork>
