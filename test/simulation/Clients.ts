/**
 * The API's process and those who call it: clients that post events and
 * records, some until they are told that they were taken, and operators. A
 * call whose answer got lost has an unknown outcome.
 */
import { Context, Effect, Exit, Layer } from "effect"
import { outputIdOf, taskIdOf } from "../../src/domain/ids.ts"
import { keyOf } from "../../src/domain/Task.ts"
import { EventIntake } from "../../src/journal/EventIntake.ts"
import type { CheckedEvent } from "../../src/journal/EventIntake.ts"
import { Journal } from "../../src/journal/Journal.ts"
import * as EventIntakes from "../../src/runtime/EventIntake.ts"
import * as Producers from "../../src/runtime/Producer.ts"
import type { OutgoingRecord } from "../../src/broker/Record.ts"
import type { Chance } from "./Chance.ts"
import type { OpName, Posted } from "./History.ts"
import type { Kernel, Process } from "./Kernel.ts"
import { epoch } from "./Kernel.ts"
import type { Action, Job } from "./Plan.ts"
import { topics } from "./Stage.ts"
import type { Note, Store } from "./Store.ts"

export interface ClientsOptions {
  readonly kernel: Kernel
  readonly world: Process
  readonly store: Store
  readonly chance: Chance
  readonly note: (process: Process, line: Note) => void
  readonly kill: (process: Process) => void
  /** Answers of the API may get lost. */
  readonly mayLose: boolean
  readonly latestSkew: () => number
}

type How = "ok" | "fail" | "info"

interface Api {
  readonly process: Process
  services: Context.Context<EventIntake | Producers.Producer | Journal> | null
  readonly pending: Set<() => void>
}

const encoder = new TextEncoder()

const valueOf = ({ n, kind, ms, broken }: Job): Uint8Array | null => {
  switch (broken) {
    case "text":
      return encoder.encode("no json")
    case "bytes":
      return new Uint8Array([0xff, 0xfe, n & 0xff])
    case "shape":
      return encoder.encode(JSON.stringify({ n: "none" }))
    case "empty":
      return null
    default:
      return encoder.encode(JSON.stringify({ n, kind, ms }))
  }
}

const recordOf = (job: Job): OutgoingRecord => ({
  topic: topics.in.name,
  key: job.user === null ? null : keyOf(job.user),
  value: valueOf(job),
  headers: { ce_id: job.id, "x-n": String(job.n) },
  ...(job.partition === undefined ? {} : { partition: job.partition })
})

/** The task that a queue makes of an event: of its record, or of what its first task hands on. */
const taskOf = (queue: string, id: string): string =>
  queue === "ingest" ? taskIdOf(queue, id) : taskIdOf(queue, outputIdOf(taskIdOf("ingest", id), 0))

const postedOf = (jobs: ReadonlyArray<Job>): ReadonlyArray<Posted> =>
  jobs.map(({ id, user, n }) => ({ id, user: user ?? "", n }))

export const makeClients = (options: ClientsOptions) => {
  const { kernel, world, store, chance, note, kill } = options
  let api: Api | null = null
  let calls = 0
  let idle = 0
  let mayLose = options.mayLose
  let isHealed = false

  const start = (): void => {
    const process = kernel.spawn(`api.${calls}`)
    if (isHealed) process.skew = options.latestSkew()
    const mine: Api = { process, services: null, pending: new Set() }
    api = mine
    note(process, { k: "born" })
    kernel.push(process, () => {
      const ports = store.portsOf(process)
      Effect.runForkWith(ports)(
        Effect.scoped(
          Effect.flatMap(Layer.build(Layer.mergeAll(EventIntakes.layer, Producers.layer)), (services) => {
            mine.services = Context.merge(ports, services)
            return Effect.never
          })
        )
      )
    })
  }

  const buried = (process: Process): void => {
    if (api?.process !== process) return
    const { pending } = api
    api = null
    for (const reset of pending) reset()
    kernel.after(world, isHealed ? 10 : chance.between(1, 300), start)
  }

  /** Calls the API; what it says, or that it is not known whether it did anything. */
  const call = <A, E>(
    effect: Effect.Effect<A, E, EventIntake | Producers.Producer | Journal>,
    answer: (how: How, value: A | null) => void
  ): void => {
    const at = api
    if (at === null || at.services === null) {
      // Nobody took the call.
      kernel.after(world, 1, () => answer("fail", null))
      return
    }
    let isOver = false
    const over = (how: How, value: A | null) => {
      if (isOver) return
      isOver = true
      at.pending.delete(reset)
      kernel.push(world, () => answer(how, value))
    }
    const reset = () => over("info", null)
    at.pending.add(reset)
    kernel.push(at.process, () => {
      Effect.runForkWith(at.services!)(effect).addObserver((exit) => {
        if (mayLose && chance.is(0.1)) return over("info", null)
        if (Exit.isSuccess(exit)) return over("ok", exit.value)
        const error = exit.cause.reasons[0]
        const isRefused =
          error?._tag === "Fail" &&
          typeof error.error === "object" &&
          error.error !== null &&
          "isRetryable" in error.error &&
          error.error.isRetryable === false
        over(isRefused ? "fail" : "info", null)
      })
    })
  }

  const again = (how: How, isPersistent: boolean, run: () => void): void => {
    if (how === "ok" || !isPersistent) idle--
    else kernel.after(world, chance.between(50, 200), run)
  }

  const eventOf = (job: Job, at: number | null): CheckedEvent => ({
    id: job.id,
    type: "work",
    user: job.user ?? "",
    queue: "ingest",
    task: taskIdOf("ingest", job.id),
    fingerprint: String(job.n),
    data: JSON.stringify({ n: job.n, kind: job.kind, ms: job.ms }),
    awaits: 1,
    topic: topics.in.name,
    at
  })

  const submit = (jobs: ReadonlyArray<Job>, isPersistent: boolean, now: number): void => {
    const id = calls++
    note(world, { k: "submit", call: id, events: postedOf(jobs) })
    const events = jobs.map((job) => eventOf(job, job.laterMs === undefined ? null : epoch + now + job.laterMs))
    call(
      EventIntake.use((intake) => intake.submit(events)),
      (how, answers) => {
        note(
          world,
          how === "ok" ? { k: "submitted", call: id, how, answers: answers! } : { k: "submitted", call: id, how }
        )
        again(how, isPersistent, () => submit(jobs, isPersistent, now))
      }
    )
  }

  const send = (jobs: ReadonlyArray<Job>, isPersistent: boolean): void => {
    const id = calls++
    note(world, { k: "send", call: id, events: postedOf(jobs) })
    call(
      Producers.Producer.use((producer) => producer.send(jobs.map(recordOf))),
      (how) => {
        note(world, { k: "sent", call: id, how })
        again(how, isPersistent, () => send(jobs, isPersistent))
      }
    )
  }

  const operate = (op: OpName, target: string, effect: Effect.Effect<unknown, unknown, Journal>): void => {
    const id = calls++
    note(world, { k: "op", call: id, op, target })
    idle++
    call(effect, (how) => {
      note(world, { k: "opDone", call: id, how })
      idle--
    })
  }

  const act = (action: Action): void => {
    const by = "an operator"
    switch (action.do) {
      case "submit":
        idle++
        return submit(action.jobs, action.isPersistent, kernel.now())
      case "send":
        idle++
        return send(action.jobs, action.isPersistent)
      case "pauseQueue":
      case "resumeQueue": {
        const { queue } = action
        return operate(
          action.do,
          queue,
          Journal.use((journal) => journal.pauseQueue(queue, action.do === "pauseQueue", by))
        )
      }
      case "pauseKey":
      case "resumeKey": {
        const { user } = action
        return operate(
          action.do,
          user,
          Journal.use((journal) => journal.pauseKey(keyOf(user), action.do === "pauseKey", by))
        )
      }
      case "cancel":
      case "retry": {
        const task = taskOf(action.queue, action.id)
        return operate(
          action.do,
          task,
          Journal.use((journal) =>
            action.do === "cancel" ? journal.requestCancel(task, by) : journal.requestRetry(task, by)
          )
        )
      }
      case "cancelFlow":
        return operate(
          action.do,
          action.flow,
          Journal.use((journal) => journal.requestFlowCancel(action.flow, by))
        )
      case "look": {
        const task = store.tables.tasks.get(taskOf(action.queue, action.id))
        if (task !== undefined) note(world, { k: "seen", task: task.id, state: task.state, attempt: task.attempt })
        return
      }
      case "schedule": {
        const { id, everyMs, misfire } = action
        const from = epoch + kernel.now()
        return operate(
          "putSchedule",
          id,
          Journal.use((journal) =>
            journal.putSchedule({
              id,
              topic: topics.in.name,
              user: "u0",
              type: "work",
              data: JSON.stringify({ n: 0, kind: "quick", ms: 0 }),
              timing: { kind: "every", everyMs, from },
              misfire,
              paused: false,
              nextAt: from + everyMs,
              lastAt: null
            })
          )
        )
      }
      case "unschedule":
        return operate(
          "removeSchedule",
          action.id,
          Journal.use((journal) => journal.removeSchedule(action.id))
        )
      default:
        return
    }
  }

  /** Operators let everything go that is paused or blocked, again and again. */
  const release = (): void => {
    const queues = store.tables.pausedQueues
    const keys = new Map(
      [...store.tables.pausedKeys.values()].map(({ key }) => [Buffer.from(key).toString("latin1"), key])
    )
    for (const queue of queues) act({ at: 0, do: "resumeQueue", queue })
    for (const user of keys.keys()) act({ at: 0, do: "resumeKey", user })
    for (const id of store.tables.schedules.keys()) if (!id.startsWith("event:")) act({ at: 0, do: "unschedule", id })
    kernel.after(world, 300, release)
  }

  return {
    start,
    act,
    buried,
    killApi: () => {
      if (api !== null) kill(api.process)
    },
    processes: (): ReadonlyArray<Process> => (api === null ? [] : [api.process]),
    heal: () => {
      mayLose = false
      isHealed = true
      release()
    },
    waits: () => `${idle} calls`,
    isIdle: () =>
      idle === 0 &&
      store.tables.pausedQueues.size === 0 &&
      store.tables.pausedKeys.size === 0 &&
      store.tables.schedules.size ===
        [...store.tables.schedules.values()].filter(({ nextAt }) => nextAt === null).length
  }
}
