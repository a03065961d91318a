/**
 * A whole installation in one thread: topics and journal in memory, workers
 * that start, end and crash, under whatever clock the test has.
 */
import { Context, Effect, Exit, Schema, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Broker } from "../../src/broker/Broker.ts"
import { makeMemoryBroker } from "../../src/broker/memory/MemoryBroker.ts"
import type { TopicRecord } from "../../src/broker/Record.ts"
import { taskIdOf } from "../../src/domain/ids.ts"
import type { Task } from "../../src/domain/Task.ts"
import { Journal } from "../../src/journal/Journal.ts"
import { makeMemoryJournal } from "../../src/journal/memory/MemoryJournal.ts"
import * as Actor from "../../src/runtime/Actor.ts"
import type { TaskContext } from "../../src/runtime/TaskContext.ts"
import { startWorker } from "../../src/runtime/Worker.ts"
import type { Worker, WorkerOptions } from "../../src/runtime/Worker.ts"
import * as Fifo from "../../src/runtime/Fifo.ts"
import * as Topic from "../../src/topics/Topic.ts"
import { bytes } from "./journalRows.ts"

/** What the records of these tests hold. */
export const Numbered = Schema.Struct({ n: Schema.Int })
export type Numbered = typeof Numbered.Type

export const topicOf = (name = "work", partitions = 1) =>
  Topic.make({ name, type: "test", description: "for tests", value: Numbered, partitions })

/** An actor named `work` on a topic named `work`, retried after 100 to 200 ms, three attempts. */
export const actorOf = <E, R>(
  handler: (value: Numbered, task: TaskContext) => Effect.Effect<unknown, E, R>,
  more: Partial<Actor.ActorOptions<Numbered, E, R>> & { readonly partitions?: number } = {}
): Actor.Actor<R> =>
  Actor.make({
    name: "work",
    topic: topicOf("work", more.partitions),
    handler,
    ...more,
    retry: { attempts: 3, backoffMs: 200, capMs: 10_000, ...more.retry }
  })

export interface RunningWorker {
  readonly worker: Worker
  /** Ends in order: drains, flushes, releases. */
  readonly stop: Effect.Effect<void>
  /** Ends as kill -9 does: nothing is drained, nothing written, nobody told. */
  readonly crash: Effect.Effect<void>
}

/** Turns at which what is ready goes on while time passes: a clock that is set at once gives it one between two timers. */
const turns = 100

/** Lets `ms` of virtual time pass, with everything that happens in it. */
export const pass = (ms: number): Effect.Effect<void> =>
  Effect.forEach(
    Array.from({ length: turns }, (_, n) => Math.floor((ms * (n + 1)) / turns) - Math.floor((ms * n) / turns)),
    (some) => TestClock.adjust(`${some} millis`),
    { discard: true }
  )

export const makeWorld = Effect.gen(function* () {
  const { broker, faults: brokerFaults } = yield* makeMemoryBroker
  const { journal, tables, faults: journalFaults } = yield* makeMemoryJournal
  const services = Context.make(Broker, broker).pipe(Context.add(Journal, journal))
  let appended = 0

  /** Starts a worker; it ends with the test at the latest. */
  const start = Effect.fnUntraced(function* <R>(
    actors: ReadonlyArray<Actor.Actor<R>>,
    options: Partial<WorkerOptions<R>> = {}
  ) {
    const scope = yield* Scope.make()
    const worker = yield* startWorker<R>({ actors, ...options }).pipe(
      Scope.provide(scope),
      Effect.provideContext(services)
    )
    const stop = Scope.close(scope, Exit.void)
    const crash = Effect.gen(function* () {
      for (const lane of worker.lanes) {
        for (const ownership of lane.owned.values()) ownership.alive = false
        lane.owned.clear()
        for (const box of lane.boxes.running) Fifo.peek(box.tasks)?.fiber?.interruptUnsafe()
        if (lane.membership !== null) yield* brokerFaults.kill(lane.membership)
      }
      yield* stop
    })
    yield* Effect.addFinalizer(() =>
      Effect.andThen(
        Effect.sync(() => abandon(worker)),
        stop
      )
    )
    return { worker, stop, crash } satisfies RunningWorker
  })

  /** At the end of a test nothing is waited for any more. */
  const abandon = (worker: Worker) => {
    for (const lane of worker.lanes) {
      for (const ownership of lane.owned.values()) ownership.alive = false
      lane.owned.clear()
      for (const box of lane.boxes.running) Fifo.peek(box.tasks)?.fiber?.interruptUnsafe()
    }
  }

  /** Appends records `{ n }` for a user; their ids are `<user>-<n>`. */
  const post = (
    user: string | null,
    ns: ReadonlyArray<number>,
    more: { readonly topic?: string; readonly headers?: Record<string, string>; readonly partition?: number } = {}
  ) =>
    broker.append(
      ns.map((n) => ({
        topic: more.topic ?? "work",
        key: user === null ? null : bytes(user),
        value: bytes(JSON.stringify({ n })),
        headers: { ce_id: `${user ?? appended++}-${n}`, ...more.headers },
        ...(more.partition === undefined ? {} : { partition: more.partition })
      }))
    )

  const idOf = (user: string | null, n: number, queue = "work") => taskIdOf(queue, `${user}-${n}`)
  const task = (user: string, n: number, queue = "work"): Task | undefined => tables.tasks.get(idOf(user, n, queue))
  const stateOf = (user: string, n: number, queue = "work") => task(user, n, queue)?.state
  const states = () => {
    const counts: Record<string, number> = {}
    for (const { state } of tables.tasks.values()) counts[state] = (counts[state] ?? 0) + 1
    return counts
  }

  /** Everything in a topic, partition by partition. */
  const contents = (topic: string) =>
    Effect.gen(function* () {
      const all: Array<TopicRecord> = []
      for (const { partition, first } of yield* broker.ends(topic)) {
        all.push(...(yield* broker.read({ topic, partition, from: first, limit: 100_000 })))
      }
      return all
    })

  return {
    broker,
    brokerFaults,
    journal,
    journalFaults,
    tables,
    services,
    start,
    post,
    idOf,
    task,
    stateOf,
    states,
    contents
  }
})

/** What handlers did, in order. */
export const makeObserver = () => {
  const lines: Array<string> = []
  let running = 0
  let most = 0
  return {
    lines,
    /** Most handlers that ran at a time. */
    most: () => most,
    running: () => running,
    /** Notes the start, runs `body`, notes its end, also when it is interrupted. */
    around: <A, E, R>(name: string, body: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.suspend(() => {
        lines.push(`+${name}`)
        most = Math.max(most, ++running)
        return Effect.onExit(body, (exit) =>
          Effect.sync(() => {
            running--
            lines.push(`${Exit.isSuccess(exit) ? "-" : "!"}${name}`)
          })
        )
      })
  }
}
