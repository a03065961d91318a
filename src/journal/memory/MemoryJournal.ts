/**
 * The journal in memory, for tests and simulation: the same answers as the one
 * in Postgres, with nothing kept. A commit checks the fence, runs what goes
 * alongside, and then writes everything at once, so a failing companion leaves
 * nothing. Faults are scripted through the handle.
 */
import { Effect, Layer, Semaphore } from "effect"
import type { Schedule } from "../../domain/Schedule.ts"
import { mailboxKeyOf } from "../../domain/Task.ts"
import type { Task } from "../../domain/Task.ts"
import { isFinal } from "../../domain/TaskState.ts"
import { Journal } from "../Journal.ts"
import type { Batch, QueuePartition } from "../Journal.ts"
import { JournalError, JournalUnavailable, WriteRefused } from "../JournalError.ts"
import {
  applyBatch,
  ask,
  askedToCancelOf,
  controlsOf,
  emptyTables,
  isApplied,
  isFlowOver,
  judge,
  keySlot,
  knownOf,
  partitionSlot,
  redrive,
  staleOf
} from "./MemoryTables.ts"
import type { MemoryTables } from "./MemoryTables.ts"

/** What a test may do to a journal in memory. */
export interface MemoryJournalFaults {
  /** The next `times` commits fail, before (`false`) or after (`true`) they took effect. */
  readonly failCommits: (times: number, after?: boolean) => void
  /** Runs before the operation takes place, a slow way there, or after it and before its answer, a slow way back. */
  readonly slow: (operation: SlowOperation, way: "there" | "back", effect: Effect.Effect<void>) => void
}

export type SlowOperation = "commit" | "controls" | "known" | "backlog" | "unfinished" | "task"

const unavailable = (operation: string) =>
  new JournalError({ operation, reason: new JournalUnavailable({ detail: "a scripted fault" }) })

const sameTiming = (a: Schedule, b: Schedule): boolean => JSON.stringify(a.timing) === JSON.stringify(b.timing)

/** A journal, its tables for looking at, and the handle for its faults. */
export const makeMemoryJournal = Effect.gen(function* () {
  const tables = emptyTables()
  const writing = yield* Semaphore.make(1)
  const watchers = new Set<() => void>()
  const failing: Array<boolean> = []
  const hooks = new Map<string, Effect.Effect<void>>()

  const on = (operation: SlowOperation, way: "there" | "back") =>
    Effect.suspend(() => (hooks.size === 0 ? Effect.void : (hooks.get(`${operation} ${way}`) ?? Effect.void)))

  const slowly = <A, E, R>(operation: SlowOperation, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() =>
      hooks.size === 0 ? effect : Effect.andThen(on(operation, "there"), Effect.tap(effect, on(operation, "back")))
    )

  /** One transaction at a time; once begun it is not cut in half. */
  const transaction = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.uninterruptible(writing.withPermits(1)(effect))

  const tell = Effect.sync(() => {
    for (const changed of watchers) changed()
  })

  const commit = <E, R>(batch: Batch, alongside: Effect.Effect<unknown, E, R>) => {
    const written = transaction(
      Effect.suspend((): Effect.Effect<ReadonlyArray<QueuePartition>, E, R> => {
        if (isApplied(tables, batch)) return Effect.succeed([])
        const refused = staleOf(tables, batch.positions)
        if (refused.length > 0) return Effect.succeed(refused.map(({ queue, partition }) => ({ queue, partition })))
        return Effect.map(alongside, () => {
          applyBatch(tables, batch)
          return []
        })
      })
    )
    const answered = Effect.suspend(() => {
      const fault = failing.shift()
      if (fault === undefined) return Effect.tap(written, on("commit", "back"))
      const failed = Effect.fail(unavailable("flush"))
      return fault ? Effect.andThen(Effect.andThen(written, on("commit", "back")), failed) : failed
    })
    return Effect.andThen(on("commit", "there"), answered)
  }

  const unfinished = (
    of: QueuePartition & { readonly after: number; readonly below: number; readonly limit: number },
    fits: (task: Task) => boolean
  ) =>
    Effect.sync(() =>
      [...(tables.unfinished.get(partitionSlot(of))?.values() ?? [])]
        .filter((task) => task.offset > of.after && task.offset < of.below && fits(task))
        .sort((a, b) => a.offset - b.offset)
        .slice(0, of.limit)
    )

  const journal = Journal.of({
    register: (queues) =>
      Effect.sync(() => {
        for (const queue of queues) tables.queues.set(queue.name, queue)
      }),
    lease: (of) =>
      transaction(
        Effect.suspend(() => {
          if (!tables.queues.has(of.queue)) {
            const reason = new WriteRefused({ detail: `there is no queue ${of.queue}` })
            return Effect.fail(new JournalError({ operation: "lease", reason }))
          }
          const before = tables.assignments.get(partitionSlot(of))
          const epoch = (before?.epoch ?? 0) + 1
          const nextOffset = before?.nextOffset ?? 0
          tables.assignments.set(partitionSlot(of), { epoch, owner: of.owner, clean: false, nextOffset, batch: 0 })
          return Effect.succeed({ epoch, nextOffset, clean: before?.clean ?? true })
        })
      ),
    release: (of) =>
      Effect.sync(() => {
        const assignment = tables.assignments.get(partitionSlot(of))
        if (assignment?.epoch === of.epoch) assignment.clean = true
      }),
    unfinished: (of) =>
      slowly(
        "unfinished",
        unfinished(of, () => true)
      ),
    backlog: (of) => {
      const key = mailboxKeyOf(of.key)
      const isOfKey = ({ record }: Task) => record?.key != null && mailboxKeyOf(record.key) === key
      return slowly("backlog", unfinished(of, isOfKey))
    },
    lastUnfinished: (of) =>
      Effect.sync(() =>
        [...(tables.unfinished.get(partitionSlot(of))?.values() ?? [])].reduce(
          (last, task) => Math.max(last, task.offset),
          -1
        )
      ),
    pending: (ids) =>
      Effect.sync(() =>
        ids.flatMap((id) => {
          const task = tables.tasks.get(id)
          return task === undefined || isFinal(task.state) ? [] : [task]
        })
      ),
    known: (ids) =>
      slowly(
        "known",
        Effect.sync(() => knownOf(tables, ids))
      ),
    task: (id) =>
      slowly(
        "task",
        Effect.sync(() => tables.tasks.get(id) ?? null)
      ),
    commit,
    steps: (task) =>
      Effect.sync(() => new Map([...(tables.steps.get(task) ?? [])].map(([name, { result }]) => [name, result]))),
    states: (queue, key) => Effect.sync(() => new Map(tables.states.get(keySlot(queue, key)) ?? [])),
    controls: slowly(
      "controls",
      Effect.sync(() => controlsOf(tables))
    ),
    watchControls: (changed) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => {
            watchers.add(changed)
            changed()
          }),
          () => Effect.sync(() => watchers.delete(changed))
        )
      ),
    pauseQueue: (queue, paused) =>
      Effect.andThen(
        Effect.sync(() => void (paused ? tables.pausedQueues.add(queue) : tables.pausedQueues.delete(queue))),
        tell
      ),
    pauseKey: (key, paused, by) =>
      Effect.andThen(
        Effect.sync(() => {
          if (paused) return void tables.pausedKeys.set(keySlot("", key), { queue: "", key, by })
          for (const [slot, held] of tables.pausedKeys) {
            if (mailboxKeyOf(held.key) === mailboxKeyOf(key)) tables.pausedKeys.delete(slot)
          }
        }),
        tell
      ),
    requestCancel: (id) =>
      Effect.tap(
        Effect.sync(() => {
          const task = tables.tasks.get(id)
          if (task !== undefined && isFinal(task.state)) return false
          ask(tables, id, "cancel")
          return true
        }),
        tell
      ),
    askedToCancel: (tasks, flows) => Effect.sync(() => askedToCancelOf(tables, tasks, flows)),
    requestFlowCancel: (flow) =>
      Effect.andThen(
        Effect.sync(() => tables.flowCancels.add(flow)),
        tell
      ),
    forgetFlowCancels: (flow) =>
      Effect.sync(() => {
        for (const one of flow === null ? [...tables.flowCancels] : [flow])
          if (isFlowOver(tables, one)) tables.flowCancels.delete(one)
      }),
    requestRetry: (id, by) =>
      Effect.tap(
        Effect.sync(() => {
          if (!redrive(tables, id, by)) return false
          ask(tables, id, "retry")
          return true
        }),
        tell
      ),
    acceptance: null,
    accept: (events, alongside) =>
      transaction(
        Effect.suspend(() => {
          const { fresh, answers } = judge(tables.events, events)
          if (fresh.length === 0) return Effect.succeed(answers)
          // Schedules for later starts are put by what goes alongside: they go back with it.
          const schedules = [...tables.schedules]
          const undo = Effect.sync(() => {
            tables.schedules.clear()
            for (const [id, schedule] of schedules) tables.schedules.set(id, schedule)
          })
          return Effect.map(
            Effect.onError(alongside(fresh), () => undo),
            () => {
              for (const event of fresh) tables.events.set(event.id, event)
              return answers
            }
          )
        })
      ),
    putSchedule: (schedule) =>
      Effect.sync(() => {
        const before = tables.schedules.get(schedule.id)
        const kept =
          before === undefined
            ? schedule
            : {
                ...schedule,
                lastAt: before.lastAt,
                nextAt: sameTiming(before, schedule) ? before.nextAt : schedule.nextAt
              }
        tables.schedules.set(schedule.id, kept)
      }),
    removeSchedule: (id) => Effect.sync(() => void tables.schedules.delete(id)),
    schedules: Effect.sync(() => [...tables.schedules.values()].sort((a, b) => (a.id < b.id ? -1 : 1))),
    dueSchedules: (now, tick) =>
      transaction(
        Effect.suspend(() => {
          const due = [...tables.schedules.values()]
            .filter(({ paused, nextAt }) => !paused && nextAt !== null && nextAt <= now)
            .sort((a, b) => a.nextAt! - b.nextAt!)
            .slice(0, duePage)
          if (due.length === 0) return Effect.succeed(0)
          return Effect.map(tick(due), (ticked) => {
            for (const { id, nextAt, lastAt } of ticked) {
              const schedule = tables.schedules.get(id)
              if (schedule !== undefined) tables.schedules.set(id, { ...schedule, nextAt, lastAt })
            }
            return due.length
          })
        })
      )
  })

  const faults: MemoryJournalFaults = {
    failCommits: (times, after = false) => {
      for (let i = 0; i < times; i++) failing.push(after)
    },
    slow: (operation, way, effect) => {
      hooks.set(`${operation} ${way}`, effect)
    }
  }
  return { journal, tables: tables as Readonly<MemoryTables>, faults }
})

/** Most schedules in one tick. */
const duePage = 500

/** A journal in memory. */
export const layer = Layer.effect(
  Journal,
  Effect.map(makeMemoryJournal, ({ journal }) => journal)
)
