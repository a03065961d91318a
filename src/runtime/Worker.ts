/**
 * A worker: the actors of one process on one broker and one journal. It wires
 * the parts, follows each queue's membership, and ends in order: when its
 * scope closes, every partition is drained, flushed and released before the
 * group is left.
 */
import { Clock, Duration, Effect, Exit, Queue, Random, Schema, Scope } from "effect"
import { Broker } from "../broker/Broker.ts"
import type { Membership } from "../broker/Broker.ts"
import { makeSignal } from "../broker/Signal.ts"
import { Journal } from "../journal/Journal.ts"
import { deadLetterNameOf } from "../topics/Topic.ts"
import type { Actor } from "./Actor.ts"
import { makeAttempts } from "./Attempts.ts"
import { defaultBounds, fill } from "./bounds.ts"
import type { Bounds } from "./bounds.ts"
import { makeControl } from "./Control.ts"
import { makeDispatcher } from "./Dispatcher.ts"
import type { Dispatcher } from "./Dispatcher.ts"
import { forkLoop, logged } from "./forkLoop.ts"
import { makeFlush } from "./Flush.ts"
import { makeIntake } from "./Intake.ts"
import type { Intake } from "./Intake.ts"
import type { Lane, LiveTask } from "./Lane.ts"
import * as Mailboxes from "./Mailboxes.ts"
import { runOffsetReport } from "./OffsetReport.ts"
import { makePartitions } from "./Partitions.ts"
import type { Partitions } from "./Partitions.ts"
import * as RateLimit from "./RateLimit.ts"
import { runTicker } from "./ScheduleTicker.ts"
import { makeSettlement } from "./Settlement.ts"
import { makeTimers } from "./Timers.ts"
import { makeVisibility } from "./Visibility.ts"
import { makeWatchdog } from "./Watchdog.ts"
import { whenWritten } from "./whenWritten.ts"
import { block, confirmWishes, isHeld, makeWishes } from "./Wishes.ts"

export interface WorkerOptions<R> {
  /** All actors of the installation; those that are off or not of this process's roles only become known. */
  readonly actors: ReadonlyArray<Actor<R>>
  /** Whether this process runs the actor. */
  readonly runs: (actor: Actor<R>) => boolean
  /** Most tasks that run at a time in this process. */
  readonly slots: number
  readonly drainMs: number
  readonly bounds: Bounds
  /** A queue that starts nothing for so long while it has work is rebuilt, ms. */
  readonly patienceMs: number
  /** `ce_source` of the records that tasks hand on; the queue's name follows. */
  readonly source: string
  /** The watchdog gave up. */
  readonly giveUp: (queue: string) => Effect.Effect<void>
}

export const defaultOptions = {
  runs: () => true,
  slots: 2_000,
  drainMs: 10_000,
  bounds: defaultBounds,
  patienceMs: 30_000,
  source: "/postroom/",
  giveUp: (queue: string) => Effect.die(new Error(`queue ${queue} stands still`))
}

export interface Worker {
  readonly lanes: ReadonlyArray<Lane>
}

const makeLane = <R>(actor: Actor<R>, now: number): Lane => {
  const decodeUnknown = Schema.decodeUnknownExit(actor.topic.value)
  return {
    actor,
    boxes: Mailboxes.make(),
    owned: new Map(),
    unreleased: new Set(),
    bucket: actor.policy.rate === null ? null : RateLimit.make(actor.policy.rate, now),
    decode: (value) => {
      const exit = decodeUnknown(value)
      return Exit.isSuccess(exit)
        ? { ok: true, value: exit.value }
        : { ok: false, detail: `the value does not fit the topic ${actor.topic.name}: ${String(exit.cause)}` }
    },
    membership: null,
    paused: false,
    looks: 0,
    full: false,
    started: 0,
    read: 0
  }
}

/** Makes the topics and queues of all actors known; every process of an installation does it at its start. */
export const declare = Effect.fn("Worker.declare")(function* (actors: ReadonlyArray<Actor<any>>) {
  const broker = yield* Broker
  const journal = yield* Journal
  const topics = new Map(actors.map((actor) => [actor.topic.name, actor.topic]))
  yield* broker.ensureTopics(
    [...topics.values()].flatMap((topic) => {
      const retentionMs = Duration.toMillis(topic.retention)
      return [
        { name: topic.name, partitions: topic.partitions, retentionMs },
        { name: deadLetterNameOf(topic.name), partitions: topic.partitions, retentionMs: retentionMs * 4 }
      ]
    })
  )
  yield* journal.register(
    actors.map((actor) => ({
      name: actor.name,
      topic: actor.topic.name,
      priority: actor.policy.priority,
      off: actor.off
    }))
  )
})

/** Runs the actors until the scope closes, which drains them. */
export const startWorker = <R>(given: Partial<WorkerOptions<R>> & Pick<WorkerOptions<R>, "actors">) =>
  Effect.gen(function* () {
    const options: WorkerOptions<R> = { ...defaultOptions, ...given }
    yield* declare(options.actors)
    const context = yield* Effect.context<R>()
    const runFork = Effect.runForkWith(context)
    const clock = yield* Clock.Clock
    const journal = yield* Journal
    const owner = `worker-${yield* Random.nextIntBetween(0, 0x7fffffff)}`
    const now = clock.currentTimeMillisUnsafe()
    const lanes = options.actors
      .filter((actor) => actor.off === null && options.runs(actor))
      .map((a) => makeLane(a, now))
    const wishes = makeWishes()
    const readers = new Map<string, number>()
    for (const { topic } of options.actors) readers.set(topic.name, (readers.get(topic.name) ?? 0) + 1)

    // The parts know each other through these; they are set before the first record can arrive.
    let dispatcher: Dispatcher | undefined
    let partitions: Partitions | undefined
    let intake: Intake | undefined

    const changed = (_lane: Lane) => dispatcher?.ring()
    const filled = makeSignal()
    const setFull = (lane: Lane, full: boolean) => {
      lane.full = full
      if (full) filled.ring()
      const { membership } = lane
      if (membership === null) return
      const all = [...lane.owned.keys()]
      runFork(full ? membership.pause(all) : membership.resume(all))
    }

    const flush = yield* makeFlush({
      stale: (ownership) => {
        // The answer may come so late that the partition is owned anew.
        if (!ownership.alive) return
        const { membership } = ownership.lane
        partitions!.drop(ownership)
        if (membership !== null) runFork(partitions!.handBack(ownership.lane, membership, ownership.partition))
      },
      flushed: (tasks) => whenWritten(tasks, wishes, clock.currentTimeMillisUnsafe(), changed)
    })
    const timers = yield* makeTimers
    const settlement = yield* makeSettlement({
      flush,
      timers,
      changed,
      ended: (task: LiveTask) => intake?.refill(task.ownership.lane, task.box),
      blocked: (task: LiveTask) => block(wishes, task.ownership.lane, task.box.key, flush.after),
      readersOf: (topic) => readers.get(topic) ?? 0,
      source: options.source
    })
    const attempts = yield* makeAttempts<R>({ flush, settlement, runFork, changed })
    intake = yield* makeIntake({
      flush,
      bounds: options.bounds,
      isHeld: (lane, key) => isHeld(wishes, lane, key),
      cancelled: (task, { tasks, flows }) => {
        // What was just read from its topic is in its first life.
        const asked = tasks.get(task.id) ?? (task.fromRow ? undefined : wishes.cancels.get(task.id))
        const isOfFlow = task.flow !== null && flows.has(task.flow)
        if (!(asked !== undefined || isOfFlow) || !settlement.cancelQueued(task, "an operator")) return
        if (asked !== undefined) flush.command(asked, task.ownership)
      },
      confirm: confirmWishes(wishes, journal),
      changed,
      runFork: (effect) => void runFork(effect)
    })
    partitions = yield* makePartitions({ flush, intake, attempts, owner, drainMs: options.drainMs })
    dispatcher = yield* makeDispatcher({ lanes, attempts, settlement, timers, wishes, slots: options.slots })
    yield* makeControl({ lanes, wishes, flush, attempts, settlement, intake, changed })
    yield* makeVisibility(lanes, flush)
    // How full a queue is follows from a walk over its mailboxes: too dear for every task, cheap now and then.
    const look = Effect.sync(() => {
      for (const lane of lanes) if (lane.full && fill(lane, options.bounds) < 0.5) setFull(lane, false)
    })
    yield* forkLoop(
      "the look at full queues",
      Effect.suspend(() =>
        lanes.some((lane) => lane.full)
          ? Effect.andThen(Effect.sleep(Duration.millis(refillLookMs)), look)
          : filled.wait
      )
    )

    const { passed, records } = intake
    const { take, give, lose } = partitions

    /** Follows one membership; its end gives all partitions back. */
    const follow = (lane: Lane, membership: Membership, scope: Scope.Scope): Effect.Effect<never> =>
      Effect.forever(
        Effect.gen(function* () {
          const event = yield* Queue.take(membership.events)
          switch (event._tag) {
            case "Assigned":
              for (const partition of event.partitions) lane.unreleased.delete(partition)
              return yield* Effect.forEach(event.partitions, (p) => take(lane, membership, p), {
                concurrency: 4,
                discard: true
              })
            case "Revoked":
              for (const partition of event.partitions) lane.unreleased.delete(partition)
              // A drain takes its time; what is kept goes on meanwhile.
              return yield* Effect.forEach(
                event.partitions,
                (p) =>
                  Effect.forkIn(logged(`the hand-over of ${lane.actor.name}/${p}`, give(lane, membership, p)), scope),
                { discard: true }
              )
            case "Lost":
              for (const partition of event.partitions) {
                lane.unreleased.delete(partition)
                lose(lane, partition)
              }
              return
            case "Records": {
              yield* records(lane, event.records)
              for (const [partition, to] of event.readTo ?? []) passed(lane, partition, to)
              if (!lane.full && fill(lane, options.bounds) >= 1) setFull(lane, true)
              return
            }
          }
        })
      )

    const scopes = new Map<Lane, Scope.Closeable>()
    const broker = yield* Broker
    const enter = Effect.fnUntraced(function* (lane: Lane) {
      const scope = yield* Scope.make()
      scopes.set(lane, scope)
      const membership = yield* Scope.provide(
        broker.join({ group: lane.actor.name, topic: lane.actor.topic.name }),
        scope
      )
      lane.membership = membership
      yield* Scope.addFinalizer(
        scope,
        // What is owned then, not now.
        Effect.suspend(() =>
          Effect.forEach([...lane.owned.keys()], (p) => give(lane, membership, p), {
            concurrency: "unbounded",
            discard: true
          })
        )
      )
      yield* Effect.forkIn(logged(`queue ${lane.actor.name}`, follow(lane, membership, scope)), scope)
    })
    const leave = (lane: Lane) =>
      Effect.suspend(() => {
        lane.unreleased.clear()
        lane.membership = null
        return Scope.close(scopes.get(lane)!, Exit.void)
      })

    yield* Effect.addFinalizer(() => Effect.forEach(lanes, leave, { concurrency: "unbounded", discard: true }))
    yield* Effect.forEach(lanes, (lane) => Effect.orDie(enter(lane)), { concurrency: "unbounded", discard: true })

    yield* makeWatchdog({
      lanes,
      patienceMs: options.patienceMs,
      rebuild: (lane) => Effect.andThen(leave(lane), Effect.orDie(enter(lane))),
      giveUp: (lane) => options.giveUp(lane.actor.name)
    })
    yield* runTicker
    yield* runOffsetReport(lanes)
    yield* forkLoop(
      "the dropping of old records",
      Effect.andThen(Effect.sleep(Duration.millis(expireEveryMs)), Effect.ignore(broker.expire))
    )
    yield* forkLoop(
      "the forgetting of flows that are over",
      Effect.andThen(Effect.sleep(Duration.millis(expireEveryMs)), Effect.ignore(journal.forgetFlowCancels(null)))
    )
    return { lanes } satisfies Worker
  })

/** How often a queue that stopped reading looks whether it may go on, ms. */
const refillLookMs = 10

const expireEveryMs = 600_000
