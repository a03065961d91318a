/**
 * Plays a plan: starts the processes, does what the plan says when it says so,
 * then lets the faults stop and waits until everything has converged. What
 * comes out is the history and how everything stood at the end; whether it is
 * right is for the checker to say.
 */
import { Clock, Context, Effect, Exit, Fiber, Logger, Random, References, Scheduler, Scope } from "effect"
import { isFinal } from "../../src/domain/TaskState.ts"
import { taskIdOf } from "../../src/domain/ids.ts"
import type { TaskState } from "../../src/domain/TaskState.ts"
import { startWorker } from "../../src/runtime/Worker.ts"
import { makeChance } from "./Chance.ts"
import { makeClients } from "./Clients.ts"
import type { Dump, Facts, Line, Run } from "./History.ts"
import { epoch, makeKernel } from "./Kernel.ts"
import type { Process } from "./Kernel.ts"
import { makeNetwork } from "./Network.ts"
import type { Fate } from "./Network.ts"
import type { Action, Class, Plan } from "./Plan.ts"
import { faultClasses } from "./Plan.ts"
import { actorsOf, queueFacts } from "./Stage.ts"
import type { Outside } from "./Stage.ts"
import { makeStore } from "./Store.ts"
import type { Note } from "./Store.ts"

export interface Played extends Run {
  readonly plan: Plan
  readonly steps: number
  readonly virtualMs: number
  /** How often each kind of fault was made. */
  readonly faults: ReadonlyMap<string, number>
  readonly points: ReadonlyMap<string, { readonly passed: number; readonly hit: number }>
}

/** How long everything may take to converge once the faults have stopped, ms. */
const patienceMs = 180_000
const mostSteps = 2_000_000

const fatesOf = (on: ReadonlySet<Class>, chance: { readonly of: (items: ReadonlyArray<number>) => number }) => {
  const fates: Partial<Record<Fate, number>> = {}
  const rate = chance.of([0.005, 0.02, 0.08])
  if (on.has("network")) Object.assign(fates, { lost: rate, unknown: rate })
  if (on.has("late")) fates.late = rate
  if (on.has("die")) Object.assign(fates, { dieBefore: rate / 10, dieAfter: rate / 10 })
  return fates
}

const nemesis = new Set(["kill", "freeze", "expire", "rebalance", "stop", "down", "jump", "killApi"])

/** What gives the workers something to do: before the last of them, nothing has come to rest. */
const wishes = new Set(["submit", "send", "cancel", "cancelFlow", "retry"])

interface Slot {
  process: Process
  scope: Scope.Closeable
  /** Its start, as long as that takes. */
  starting: Fiber.Fiber<unknown, unknown> | null
  isStopping: boolean
}

/** The records of all seeds have the same ids, and so have their tasks. */
const knownIds = new Map<string, string>()
const mostKnownIds = 10_000

const knownIdOf = (queue: string, recordId: string): string => {
  const name = `${queue} ${recordId}`
  let id = knownIds.get(name)
  if (id === undefined) {
    if (knownIds.size >= mostKnownIds) knownIds.clear()
    knownIds.set(name, (id = taskIdOf(queue, recordId)))
  }
  return id
}

export const play = (plan: Plan): Played => {
  const { stackTraceLimit } = Error
  // Nobody looks at where the many simulated failures were made.
  Error.stackTraceLimit = 0
  try {
    return playOut(plan)
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

const playOut = (plan: Plan): Played => {
  const on = new Set(plan.classes)
  const chance = makeChance(plan.seed, 4)
  const kernel = makeKernel({ chance, anyOrder: plan.anyOrder, operations: plan.operations })
  kernel.setGrain(plan.grainMs)
  const history: Array<Line> = []
  const open = new Set<string>()
  const ended = new Set<string>()
  const asked = new Map<string, number>()
  let runs = 0
  const faults = new Map<string, number>()
  const made = (kind: string) => faults.set(kind, (faults.get(kind) ?? 0) + 1)
  let isHealed = false
  /** How far ahead the clock of any process ever was, ms. */
  let latest = 0
  let shortSession = plan.sessionMs

  const watch = (line: Note): void => {
    if (line.k === "append") {
      for (const { topic, partition, offset, headers } of line.records) {
        for (const queue of queueFacts) {
          if (queue.topic !== topic) continue
          const id = knownIdOf(queue.name, headers["ce_id"] ?? `${topic}/${partition}/${offset}`)
          if (!ended.has(id)) open.add(id)
        }
      }
    } else if (line.k === "commit" && line.stale.length === 0) {
      for (const { id, state } of line.tasks) {
        if (!isFinal(state as TaskState)) continue
        open.delete(id)
        ended.add(id)
      }
    } else if (line.k === "opApplied" && line.op === "retry" && line.answer) {
      ended.delete(line.target)
      open.add(line.target)
    }
  }

  const note = (process: Process, line: Note): void => {
    watch(line)
    history.push({ t: kernel.now(), p: process.name, ...line } as Line)
  }

  const logger = Logger.make<unknown, void>(({ message, fiber }) => {
    const process = Context.getOrUndefined(fiber.context, ProcessRef) ?? world
    const text = Array.isArray(message) ? message.map(String).join(" ") : String(message)
    history.push({ t: kernel.now(), p: process.name, k: "log", text: text.slice(0, 2_000) })
  })
  const base = (process: Process): Context.Context<never> =>
    Context.make(ProcessRef, process).pipe(
      Context.add(Scheduler.Scheduler, process.scheduler),
      Context.add(Clock.Clock, process.clock),
      Context.add(Random.Random, process.random),
      Context.add(Logger.CurrentLoggers, new Set([logger])),
      Context.add(References.MinimumLogLevel, "Error")
    ) as Context.Context<never>

  // What takes place in the store takes place at once, so the tap's lines stand in the order of what they tell.
  const server = kernel.spawn("server", Number.POSITIVE_INFINITY)
  const world = kernel.spawn("world")

  const kill = (process: Process): void =>
    kernel.kill(process, () => {
      note(process, { k: "dead" })
      kernel.after(server, isHealed ? 0 : chance.below(shortSession + 1), () => store.bury(process))
      buried(process)
    })

  const network = makeNetwork({
    kernel,
    server,
    chance: makeChance(plan.seed, 5),
    latencyMs: plan.latencyMs,
    fates: fatesOf(on, makeChance(plan.seed, 6)),
    noted: (process, what) => {
      made(what.slice(0, what.indexOf(" ")))
      note(process, { k: "fault", what })
    },
    kill
  })

  const opened = Effect.runForkWith(base(server))(
    makeStore({ kernel, server, network, chance, note, base })
  ).pollUnsafe()
  if (opened === undefined || Exit.isFailure(opened)) throw new Error("the store could not be made")
  const store = opened.value

  const outside: Outside = {
    note,
    kill: (process) => {
      made("poison")
      kill(process)
    },
    asked: (what) => {
      const times = asked.get(what) ?? 0
      asked.set(what, times + 1)
      return times
    },
    nextRun: () => runs++
  }

  const slots: Array<Slot | null> = Array.from({ length: plan.workers }, () => null)
  let born = 0
  const bounds = on.has("small")
    ? { mailbox: 3, waiting: 1, ready: 12, bytes: 1_000 }
    : { mailbox: 256, waiting: 8, ready: 8_000, bytes: 32 * 1024 * 1024 }

  const startWorkerAt = (index: number): void => {
    if (slots[index] !== null) return
    const process = kernel.spawn(`w${index}.${born++}`)
    const scope = Scope.makeUnsafe()
    const slot: Slot = { process, scope, starting: null, isStopping: false }
    slots[index] = slot
    if (isHealed) process.skew = latest
    note(process, { k: "born" })
    kernel.push(process, () => {
      const fiber = Effect.runForkWith(store.portsOf(process))(
        startWorker({
          actors: actorsOf(process, outside),
          slots: 12,
          drainMs: 300,
          patienceMs: 3_000,
          bounds,
          giveUp: () => Effect.sync(() => kill(process))
        }).pipe(Scope.provide(scope))
      )
      // A process that cannot start ends, and its supervisor starts another.
      slot.starting = fiber
      fiber.addObserver((exit) => {
        if (Exit.isFailure(exit) && !slot.isStopping) kill(process)
      })
    })
  }

  const restartMs = () => (isHealed ? 10 : chance.between(1, 400))
  const buried = (process: Process): void => {
    const index = slots.findIndex((slot) => slot?.process === process)
    if (index === -1) return clients.buried(process)
    slots[index] = null
    kernel.after(world, restartMs(), () => startWorkerAt(index))
  }

  const stop = (slot: Slot, then: () => void): void => {
    const { process, scope } = slot
    if (slot.isStopping || process.state !== "running") return
    slot.isStopping = true
    note(process, { k: "stopping" })
    kernel.push(process, () => {
      const closing = Scope.close(scope, Exit.void)
      const ending = slot.starting === null ? closing : Effect.andThen(Fiber.interrupt(slot.starting), closing)
      Effect.runForkWith(base(process))(ending).addObserver(() => {
        note(process, { k: "stopped" })
        kernel.kill(process, () => {
          store.bury(process)
          slots[slots.indexOf(slot)] = null
          then()
        })
      })
    })
  }

  const clients = makeClients({
    kernel,
    world,
    store,
    chance,
    note,
    kill,
    mayLose: on.has("network"),
    latestSkew: () => latest
  })

  let wishesLeft = plan.actions.filter((action) => wishes.has(action.do)).length
  const act = (action: Action): void => {
    if (wishes.has(action.do)) wishesLeft--
    if (isHealed && nemesis.has(action.do)) return
    const target = "worker" in action && action.worker !== null ? slots[action.worker] : undefined
    switch (action.do) {
      case "kill":
        if (target) {
          made(action.do)
          let left = action.steps
          const countdown = () => (left-- <= 0 ? kill(target.process) : kernel.push(world, countdown))
          countdown()
        }
        return
      case "freeze":
        if (target && target.process.state === "running") {
          made(action.do)
          note(target.process, { k: "frozen" })
          kernel.freeze(target.process)
          kernel.after(world, action.ms, () => thaw(target.process))
        }
        return
      case "expire":
        if (target) {
          made(action.do)
          store.expire(target.process, action.queue, action.toldAfterMs)
        }
        return
      case "rebalance":
        made(action.do)
        note(world, { k: "fault", what: `rebalance ${action.queue}` })
        return store.disturb(action.queue, queueFacts.find(({ name }) => name === action.queue)!.topic, action.ms)
      case "stop":
        if (target && action.worker !== null) {
          made(action.do)
          stop(target, () => kernel.after(world, restartMs(), () => startWorkerAt(action.worker)))
        }
        return
      case "down":
        made(action.do)
        note(server, { k: "fault", what: "down" })
        network.setDown(true)
        kernel.after(world, action.ms, () => network.setDown(false))
        return
      case "jump": {
        made(action.do)
        const all = target ? [target.process] : slots.flatMap((slot) => (slot === null ? [] : [slot.process]))
        for (const process of action.worker === null ? [...all, ...clients.processes()] : all) {
          process.skew += action.ms
          latest = Math.max(latest, process.skew)
          note(process, { k: "jump", ms: action.ms })
        }
        return
      }
      case "killApi":
        made(action.do)
        return clients.killApi()
      default:
        return clients.act(action)
    }
  }

  const thaw = (process: Process): void => {
    if (process.state !== "frozen") return
    kernel.thaw(process)
    note(process, { k: "thawed" })
  }

  const processes = () => [...slots.flatMap((slot) => (slot === null ? [] : [slot.process])), ...clients.processes()]

  const heal = (): void => {
    isHealed = true
    shortSession = 0
    network.heal()
    network.setDown(false)
    clients.heal()
    // Clocks agree again, on the latest: nobody's waiting gets longer by it.
    for (const process of processes()) {
      thaw(process)
      process.skew = latest
    }
    note(world, { k: "healed" })
    kernel.setGrain(Math.max(plan.grainMs, 50))
    kernel.after(world, 2_000, () => kernel.setGrain(200))
    kernel.after(world, 10_000, () => kernel.setGrain(1_000))
  }

  clients.start()
  for (let index = 0; index < plan.workers; index++) {
    kernel.after(world, index === 0 ? 0 : chance.below(300), () => startWorkerAt(index))
  }
  for (const action of plan.actions) kernel.after(world, action.at, () => act(action))
  kernel.after(world, plan.durationMs, heal)

  const lags = () =>
    queueFacts.flatMap(({ name, topic }) => {
      const exit = Effect.runSyncExit(store.broker.lag(name, topic))
      return Exit.isFailure(exit)
        ? []
        : exit.value.map(({ partition, committed, next }) => ({ queue: name, partition, committed, next }))
    })
  const isQuiet = (): boolean =>
    isHealed &&
    wishesLeft === 0 &&
    open.size === 0 &&
    // A wish about a task that does not come into being stays.
    [...store.tables.commands.values()].every(({ task }) => !store.tables.tasks.has(task)) &&
    clients.isIdle() &&
    network.isIdle() &&
    lags().every(({ committed, next }) => committed === next)

  const limit = plan.durationMs + patienceMs
  let converged = false
  let looked = -1
  while (kernel.now() < limit && kernel.steps() < mostSteps && kernel.step()) {
    if (!isHealed || open.size > 0 || looked === kernel.now()) continue
    looked = kernel.now()
    if (isQuiet()) {
      converged = true
      break
    }
  }
  if (converged) note(world, { k: "quiet" })
  else {
    const behind = lags().filter(({ committed, next }) => committed !== next)
    const text = `tasks ${[...open].join()}; commands ${[...store.tables.commands.keys()].join()}; lag ${JSON.stringify(behind)}; ${clients.waits()}`
    note(world, { k: "stuck", text })
  }

  // Who was told to end has a bound for it; in one run of four everybody goes home.
  if (converged) {
    if (plan.seed % 4 === 0) for (const slot of slots) if (slot !== null) stop(slot, () => {})
    const bound = kernel.now() + 30_000
    while (slots.some((slot) => slot?.isStopping === true) && kernel.now() < bound && kernel.step());
  }

  const { tables } = store
  const end: Dump = {
    tasks: [...tables.tasks.values()],
    states: [...tables.states].flatMap(([slot, values]) =>
      [...values].map(([name, value]) => [slot, name, value] as const)
    ),
    events: [...tables.events.values()].map(({ id, awaits }) => ({ id, awaits })),
    schedules: [...tables.schedules.values()].map(({ id, nextAt }) => ({ id, nextAt })),
    commands: tables.commands.size,
    skips: [...tables.skips.values()],
    lags: lags()
  }
  const facts: Facts = {
    queues: queueFacts,
    faults: new Set(plan.classes.filter((name) => faultClasses.has(name))),
    workers: plan.workers,
    epoch,
    seed: plan.seed
  }
  return {
    plan,
    facts,
    history,
    end,
    steps: kernel.steps(),
    virtualMs: kernel.now(),
    faults,
    points: network.points
  }
}

/** The process a fiber belongs to. */
const ProcessRef = Context.Reference<Process | undefined>("simulation/Process", { defaultValue: () => undefined })
