/**
 * What happens when partitions come and go. Taking one: lease (a higher epoch),
 * unfinished tasks into their mailboxes, then read on from where the journal
 * ends. Giving one back: start nothing more, let what runs finish within a
 * bound, flush, release. Losing one: stop, forget, write nothing.
 */
import { Clock, Duration, Effect, Schedule } from "effect"
import { Broker } from "../broker/Broker.ts"
import type { Membership } from "../broker/Broker.ts"
import { Journal } from "../journal/Journal.ts"
import type { Attempts } from "./Attempts.ts"
import * as Fifo from "./Fifo.ts"
import type { Flush } from "./Flush.ts"
import type { Intake } from "./Intake.ts"
import * as Mailboxes from "./Mailboxes.ts"
import type { Lane, Ownership } from "./Lane.ts"
import * as Watermark from "./Watermark.ts"

export interface PartitionsOptions {
  readonly flush: Flush
  readonly intake: Intake
  readonly attempts: Attempts
  /** Name of this process in the lease. */
  readonly owner: string
  /** How long running tasks may take to finish when a partition is given back, ms. */
  readonly drainMs: number
}

export interface Partitions {
  readonly take: (lane: Lane, membership: Membership, partition: number) => Effect.Effect<void>
  /** Drains and releases; it answers when the partition is another's to take. */
  readonly give: (lane: Lane, membership: Membership, partition: number) => Effect.Effect<void>
  readonly lose: (lane: Lane, partition: number) => void
  /** Takes again what another took and lost although the broker gave it to this process: nobody else would. */
  readonly takeBack: (lane: Lane) => Effect.Effect<void>
}

const untilItAnswers = Effect.retry(Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("1 second")]))

const drainPollMs = 10

export const makePartitions = (options: PartitionsOptions) =>
  Effect.gen(function* () {
    const { flush, intake, attempts } = options
    const journal = yield* Journal
    const broker = yield* Broker
    const clock = yield* Clock.Clock

    /** Partitions whose taking is under way. */
    const taking = new Set<string>()

    const take = (lane: Lane, membership: Membership, partition: number): Effect.Effect<void> => {
      const slot = `${lane.actor.name}/${partition}`
      return Effect.suspend(() => {
        if (taking.has(slot)) return Effect.void
        taking.add(slot)
        return Effect.ensuring(
          takeNow(lane, membership, partition),
          Effect.sync(() => taking.delete(slot))
        )
      })
    }

    const takeNow = Effect.fnUntraced(function* (lane: Lane, membership: Membership, partition: number) {
      const queue = lane.actor.name
      const lease = yield* journal.lease({ queue, partition, owner: options.owner }).pipe(
        Effect.tapError((error) => Effect.logWarning("a partition waits for its lease", error.message)),
        untilItAnswers,
        Effect.orDie
      )
      let carefulBelow = 0
      if (!lease.clean) {
        const ends = yield* Effect.orDie(untilItAnswers(broker.ends(lane.actor.topic.name)))
        carefulBelow = ends.find((end) => end.partition === partition)?.next ?? 0
      }
      const ownership: Ownership = {
        lane,
        partition,
        epoch: lease.epoch,
        mark: Watermark.make(lease.nextOffset),
        crashed: !lease.clean,
        replayTo: yield* Effect.orDie(untilItAnswers(journal.lastUnfinished({ queue, partition }))),
        live: new Map(),
        carefulBelow,
        alive: true,
        draining: false,
        // The owner before may have died before it told the broker.
        committed: -1
      }
      // Lost or asked back meanwhile: whoever has it next takes a higher epoch.
      if (lane.membership !== membership || !lane.assigned.has(partition)) return
      lane.owned.set(partition, ownership)
      yield* intake.load(ownership, lease.nextOffset)
      // What comes while the queue is full waits with the rest of it.
      yield* Effect.suspend(() => (lane.full ? membership.pause([partition]) : Effect.void))
      yield* membership.seek(partition, lease.nextOffset)
    })

    const runningOf = (ownership: Ownership) =>
      [...ownership.lane.boxes.running].filter((box) => box.partition === ownership.partition)

    const forget = (ownership: Ownership) => {
      ownership.alive = false
      ownership.lane.owned.delete(ownership.partition)
      for (const box of Mailboxes.dropPartition(ownership.lane.boxes, ownership.partition)) {
        const head = Fifo.peek(box.tasks)
        if (head?.fiber) attempts.stop(head, "lost")
      }
      ownership.live.clear()
    }

    const give = Effect.fnUntraced(function* (lane: Lane, membership: Membership, partition: number) {
      const ownership = lane.owned.get(partition)
      if (ownership === undefined) return yield* Effect.ignore(membership.release(partition))
      ownership.draining = true
      for (const box of lane.boxes.bySlot.values()) if (box.partition === partition) Mailboxes.hold(box)
      const until = clock.currentTimeMillisUnsafe() + options.drainMs
      let isAsked = false
      while (ownership.alive && runningOf(ownership).length > 0) {
        if (!isAsked && clock.currentTimeMillisUnsafe() >= until) {
          isAsked = true
          for (const box of runningOf(ownership)) attempts.stop(Fifo.peek(box.tasks)!, "drain")
        }
        yield* Effect.sleep(Duration.millis(drainPollMs))
        // Who ignores the interruption too must not hold up the others for ever: the epoch keeps it from writing.
        if (clock.currentTimeMillisUnsafe() >= until + options.drainMs) break
      }
      if (!ownership.alive) return
      yield* flush.barrier
      const clean = runningOf(ownership).length === 0
      forget(ownership)
      if (clean) {
        yield* Effect.ignore(journal.release({ queue: lane.actor.name, partition, epoch: ownership.epoch }))
      }
      yield* Effect.ignore(membership.release(partition))
    })

    const lose = (lane: Lane, partition: number) => {
      const ownership = lane.owned.get(partition)
      if (ownership !== undefined) forget(ownership)
    }

    const takeBack = (lane: Lane): Effect.Effect<void> => {
      const { membership } = lane
      const missing = [...lane.assigned].filter((partition) => !lane.owned.has(partition))
      return membership === null
        ? Effect.void
        : Effect.forEach(missing, (partition) => take(lane, membership, partition), { discard: true })
    }

    return { take, give, lose, takeBack } satisfies Partitions
  })
