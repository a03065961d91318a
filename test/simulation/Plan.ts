/**
 * What happens in one run, drawn from its seed: how big it is, which classes of
 * faults are on (each seed switches whole classes, so that rare combinations
 * come up), and a list of actions at their times. A plan is plain data: a
 * shorter one is a plan with some of it taken away.
 */
import { makeChance } from "./Chance.ts"
import type { Chance } from "./Chance.ts"
import type { Kind } from "./Stage.ts"

/** Classes of faults that come from outside, and of what the workload brings with it. */
export const classes = [
  "crash",
  "die",
  "freeze",
  "expire",
  "rebalance",
  "stop",
  "network",
  "late",
  "slow",
  "down",
  "jump",
  "apiCrash",
  "duplicates",
  "undecodable",
  "poison",
  "stubborn",
  "operators",
  "schedules",
  "keyless",
  "small"
] as const

export type Class = (typeof classes)[number]

export const faultClasses: ReadonlySet<Class> = new Set(classes.slice(0, 12))

export interface Job {
  readonly id: string
  readonly user: string | null
  readonly n: number
  readonly kind: Kind
  readonly ms: number
  /** The record's bytes where they are not what they should be. */
  readonly broken?: "text" | "bytes" | "shape" | "empty"
  readonly partition?: number
  readonly laterMs?: number
}

export type Action = { readonly at: number } & (
  | { readonly do: "submit"; readonly jobs: ReadonlyArray<Job>; readonly isPersistent: boolean }
  | { readonly do: "send"; readonly jobs: ReadonlyArray<Job>; readonly isPersistent: boolean }
  | { readonly do: "pauseQueue" | "resumeQueue"; readonly queue: string }
  | { readonly do: "pauseKey" | "resumeKey"; readonly user: string }
  | { readonly do: "cancel" | "retry"; readonly queue: string; readonly id: string }
  | { readonly do: "cancelFlow"; readonly flow: string }
  | { readonly do: "look"; readonly queue: string; readonly id: string }
  | {
      readonly do: "schedule"
      readonly id: string
      readonly everyMs: number
      readonly misfire: "skip" | "once" | "all"
    }
  | { readonly do: "unschedule"; readonly id: string }
  | { readonly do: "kill"; readonly worker: number; readonly steps: number }
  | { readonly do: "freeze"; readonly worker: number; readonly ms: number }
  | { readonly do: "expire"; readonly worker: number; readonly queue: string; readonly toldAfterMs: number }
  | { readonly do: "rebalance"; readonly queue: string; readonly ms: number }
  | { readonly do: "stop"; readonly worker: number }
  | { readonly do: "down"; readonly ms: number }
  | { readonly do: "jump"; readonly worker: number | null; readonly ms: number }
  | { readonly do: "killApi" }
)

export interface Plan {
  readonly seed: number
  readonly classes: ReadonlyArray<Class>
  readonly workers: number
  readonly anyOrder: boolean
  readonly operations: number
  readonly latencyMs: number
  readonly grainMs: number
  readonly durationMs: number
  /** How long the broker waits before it gives the partitions of a dead worker to others, ms. */
  readonly sessionMs: number
  readonly actions: ReadonlyArray<Action>
}

const queues = ["ingest", "deliver", "audit"] as const

const plainKinds: ReadonlyArray<Kind> = [
  "quick",
  "quick",
  "quick",
  "slow",
  "slow",
  "step",
  "count",
  "count",
  "count",
  "flaky",
  "delay"
]
const badKinds: ReadonlyArray<Kind> = ["fail", "gated", "throw", "quit", "hang"]

const kindOf = (chance: Chance, on: ReadonlySet<Class>): Kind => {
  if (on.has("poison") && chance.is(0.04)) return chance.is(0.5) ? "poison" : "fragile"
  if (on.has("stubborn") && chance.is(0.08)) return "stubborn"
  if (chance.is(0.1)) return chance.of(badKinds)
  return chance.of(plainKinds)
}

const workload = (chance: Chance, on: ReadonlySet<Class>, durationMs: number): Array<Action> => {
  const actions: Array<Action> = []
  const users = Array.from({ length: chance.between(2, 12) }, (_, i) => `u${i}`)
  const wanted = chance.between(12, 40)
  const jobs: Array<Job> = []
  const isBurst = chance.is(0.3)
  while (jobs.length < wanted) {
    const at = isBurst ? chance.below(300) : chance.below(durationMs * 0.8)
    const isEvent = chance.is(0.6)
    const batch = Array.from({ length: chance.is(0.7) ? 1 : chance.between(2, 6) }, (_, i): Job => {
      const n = jobs.length + i
      const isKeyless = !isEvent && on.has("keyless") && chance.is(0.2)
      const job: Job = {
        id: `e${n}`,
        user: isKeyless ? null : chance.is(0.3) ? users[0]! : chance.of(users),
        n,
        kind: kindOf(chance, on),
        ms: chance.is(0.5) ? 0 : chance.between(5, 150)
      }
      if (!isEvent && on.has("undecodable") && chance.is(0.15)) {
        return { ...job, broken: chance.of(["text", "bytes", "shape", "empty"] as const) }
      }
      if (isEvent && on.has("schedules") && chance.is(0.15)) return { ...job, laterMs: chance.between(100, 1_500) }
      return job
    })
    jobs.push(...batch)
    const isPersistent = chance.is(0.8)
    actions.push({ at, do: isEvent ? "submit" : "send", jobs: batch, isPersistent })
    if (on.has("duplicates") && chance.is(0.25)) {
      const [job] = batch
      const soon = at + chance.below(400)
      if (isEvent && chance.is(0.3)) {
        // Another body under a known id.
        actions.push({ at: soon, do: "submit", jobs: [{ ...job!, n: 10_000 + job!.n }], isPersistent: false })
      } else if (isEvent || chance.is(0.7)) {
        actions.push({ at: soon, do: isEvent ? "submit" : "send", jobs: batch, isPersistent: false })
      } else {
        actions.push({ at: soon, do: "send", jobs: [{ ...job!, partition: chance.below(4) }], isPersistent: false })
      }
    }
  }
  if (on.has("operators")) {
    const count = chance.between(3, 14)
    for (let i = 0; i < count; i++) {
      const at = chance.below(durationMs)
      const queue = chance.of(queues)
      const job = chance.of(jobs)
      const user = chance.of(users)
      const drawn = chance.below(6)
      if (drawn === 0) {
        actions.push({ at, do: "pauseQueue", queue })
        if (chance.is(0.6)) actions.push({ at: at + chance.between(50, 1_800), do: "resumeQueue", queue })
      } else if (drawn === 1) {
        actions.push({ at, do: "pauseKey", user })
        if (chance.is(0.6)) actions.push({ at: at + chance.between(50, 1_800), do: "resumeKey", user })
      } else if (drawn < 4) actions.push({ at, do: "cancel", queue: chance.is(0.7) ? "ingest" : queue, id: job.id })
      else if (drawn === 4) actions.push({ at, do: "retry", queue: chance.is(0.7) ? "ingest" : queue, id: job.id })
      else actions.push({ at, do: "look", queue: "ingest", id: job.id })
      if (chance.is(0.2)) actions.push({ at: at + chance.below(500), do: "look", queue: "ingest", id: job.id })
    }
  }
  if (on.has("schedules")) {
    const everyMs = on.has("jump") ? 600_000 : chance.between(150, 900)
    actions.push({
      at: chance.below(500),
      do: "schedule",
      id: "s0",
      everyMs,
      misfire: chance.of(["skip", "once", "all"])
    })
    if (chance.is(0.4)) {
      const at = chance.between(500, durationMs)
      actions.push(
        chance.is(0.5)
          ? { at, do: "unschedule", id: "s0" }
          : { at, do: "schedule", id: "s0", everyMs: everyMs + 100, misfire: "all" }
      )
    }
  }
  return actions
}

/**
 * Wishes of operators that meet a change of owner: retries of what has failed and cancellations of what takes long, and
 * at the same moment deaths and expiries of whoever is to take them up. Between the two lie milliseconds, which chance
 * alone hardly ever meets.
 */
const closeCalls = (chance: Chance, on: ReadonlySet<Class>, workers: number, before: ReadonlyArray<Action>) => {
  if (!on.has("operators")) return []
  const jobs = before.flatMap((action) =>
    action.do === "submit" || action.do === "send"
      ? action.jobs.filter(({ laterMs }) => laterMs === undefined).map((job) => ({ ...job, from: action.at }))
      : []
  )
  return jobs.flatMap(({ id, kind, ms, from }): ReadonlyArray<Action> => {
    const wish = kind === "fail" || kind === "gated" ? "retry" : ms > 40 || kind === "hang" ? "cancel" : null
    if (wish === null || chance.is(wish === "retry" ? 0.3 : 0.8)) return []
    const at = from + (wish === "retry" ? chance.between(60, 600) : chance.between(5, 200))
    const struck = Array.from({ length: workers }, (_, worker) => worker).filter(() => chance.is(0.6))
    const how = chance.of((["crash", "expire", "freeze"] as const).filter((name) => on.has(name)))
    const faults = struck.flatMap((worker): ReadonlyArray<Action> => {
      if (how === "crash") return [{ at: at + chance.below(25), do: "kill", worker, steps: chance.below(60) }]
      const expire = { do: "expire", worker, queue: "ingest", toldAfterMs: chance.below(60) } as const
      if (how === "expire") return [{ ...expire, at: at + chance.below(25) }]
      // It hears nothing of the wish, and another owns the task when it wakes.
      return how === "freeze"
        ? [
            { at: at - 1, do: "freeze", worker, ms: chance.between(600, 2_500) },
            { ...expire, at: at + chance.between(20, 300) }
          ]
        : []
    })
    // Whatever is asked for has every worker look at all that is: also at what a new owner has just begun.
    const looks = Array.from({ length: chance.below(5) }, (): Action => ({
      at: at + chance.between(20, 900),
      do: "pauseKey",
      user: "nobody"
    }))
    return [{ at, do: wish, queue: "ingest", id }, ...looks, ...faults]
  })
}

/** Whole flows that operators cancel, and tasks of theirs that they have tried again soon after, which ends that wish. */
const flowCancels = (chance: Chance, on: ReadonlySet<Class>, before: ReadonlyArray<Action>): Array<Action> => {
  if (!on.has("operators") || chance.is(0.5)) return []
  const flows = before.flatMap((action) =>
    action.do === "submit" ? action.jobs.map(({ id, laterMs = 0 }) => ({ id, from: action.at + laterMs })) : []
  )
  if (flows.length === 0) return []
  return Array.from({ length: chance.between(1, 3) }, () => chance.of(flows)).flatMap(({ id, from }) => {
    const at = from + chance.below(chance.is(0.5) ? 60 : 600)
    const retries = Array.from({ length: chance.below(4) }, (): Action => ({
      at: at + chance.between(10, 700),
      do: "retry",
      queue: chance.of(queues),
      id
    }))
    return [{ at, do: "cancelFlow", flow: id }, ...retries]
  })
}

const nemesis = (chance: Chance, on: ReadonlySet<Class>, workers: number, durationMs: number): Array<Action> => {
  const actions: Array<Action> = []
  const some = (name: Class, most: number, make: (at: number) => Action) => {
    if (!on.has(name)) return
    const count = chance.between(1, most)
    for (let i = 0; i < count; i++) actions.push(make(chance.below(durationMs)))
  }
  const worker = () => chance.below(workers)
  const queue = () => chance.of(queues)
  some("crash", 5, (at) => ({ at, do: "kill", worker: worker(), steps: chance.below(200) }))
  some("freeze", 3, (at) => ({ at, do: "freeze", worker: worker(), ms: chance.between(50, 2_500) }))
  some("expire", 5, (at) => ({
    at,
    do: "expire",
    worker: worker(),
    queue: queue(),
    toldAfterMs: chance.is(0.4) ? 0 : chance.below(1_500)
  }))
  some("rebalance", 5, (at) => ({ at, do: "rebalance", queue: queue(), ms: chance.below(800) }))
  some("stop", 3, (at) => ({ at, do: "stop", worker: worker() }))
  some("down", 2, (at) => ({ at, do: "down", ms: chance.between(20, 1_500) }))
  some("jump", 3, (at) => ({
    at,
    do: "jump",
    worker: chance.is(0.5) ? null : worker(),
    ms: chance.of([-3_600_000, 3_600_000, -1_000, 1_000, chance.between(-60_000, 60_000)])
  }))
  some("apiCrash", 3, (at) => ({ at, do: "killApi" }))
  return actions
}

/** The plan of a seed. One seed in eight has no faults at all: what must hold exactly is looked at there. */
export const planOf = (seed: number): Plan => {
  const chance = makeChance(seed, 1)
  const isCalm = seed % 8 === 0
  const density = chance.of([0.15, 0.3, 0.5])
  const on = new Set<Class>(
    classes.filter((name) => (faultClasses.has(name) ? !isCalm && chance.is(density) : chance.is(0.5)))
  )
  const workers = chance.between(1, 3)
  const durationMs = chance.between(600, 1_600)
  const asked = workload(makeChance(seed, 2), on, durationMs)
  const actions = [
    ...asked,
    ...closeCalls(makeChance(seed, 7), on, workers, asked),
    ...flowCancels(makeChance(seed, 8), on, asked),
    ...nemesis(makeChance(seed, 3), on, workers, durationMs)
  ].sort((a, b) => a.at - b.at)
  return {
    seed,
    classes: [...on],
    workers,
    anyOrder: chance.is(0.7),
    operations: chance.of([2_048, 2_048, 2_048, 64, 16]),
    latencyMs: on.has("slow") ? chance.of([3, 20, 60]) : chance.of([0, 0, 2]),
    grainMs: chance.of([5, 20, 25, 50]),
    durationMs,
    sessionMs: chance.of([0, 100, 700]),
    actions
  }
}
