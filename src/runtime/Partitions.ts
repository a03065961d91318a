/**
 * What happens when partitions come and go. Taking one: lease (a higher epoch),
 * unfinished tasks into their mailboxes, then read on from where the journal
 * ends. Giving one back: start nothing more, let what runs finish within a
 * bound, flush, release. Losing one: stop, forget, write nothing.
 */
import { Clock, Duration, Effect, Option } from "effect"
import { Broker } from "../broker/Broker.ts"
import type { Membership } from "../broker/Broker.ts"
import { isFinal } from "../domain/TaskState.ts"
import { Journal } from "../journal/Journal.ts"
import type { Attempts } from "./Attempts.ts"
import * as Fifo from "./Fifo.ts"
import type { Flush } from "./Flush.ts"
import type { Intake } from "./Intake.ts"
import * as Mailboxes from "./Mailboxes.ts"
import type { Lane, Ownership } from "./Lane.ts"
import { untilItAnswers } from "./untilItAnswers.ts"
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
  /** The same for one whose epoch is stale. */
  readonly drop: (ownership: Ownership) => void
  /**
   * Gives a partition back whose epoch somebody else has raised, so that the broker assigns it anew: by what the
   * broker knows it is this process's, and nobody else would take it.
   */
  readonly handBack: (lane: Lane, membership: Membership, partition: number) => Effect.Effect<void>
}

const drainPollMs = 10
const handBackMs = 1_000
const insistMs = 100

export const makePartitions = (options: PartitionsOptions) =>
  Effect.gen(function* () {
    const { flush, intake, attempts } = options
    const journal = yield* Journal
    const broker = yield* Broker
    const clock = yield* Clock.Clock

    const take = Effect.fnUntraced(function* (lane: Lane, membership: Membership, partition: number) {
      const queue = lane.actor.name
      // Assigned anew without a word between: what it was before is over.
      lose(lane, partition)
      const lease = yield* journal.lease({ queue, partition, owner: options.owner }).pipe(
        Effect.tapError((error) => Effect.logWarning("a partition waits for its lease", error.message)),
        untilItAnswers
      )
      let carefulBelow = 0
      if (!lease.clean) {
        const ends = yield* untilItAnswers(broker.ends(lane.actor.topic.name))
        carefulBelow = ends.find((end) => end.partition === partition)?.next ?? 0
      }
      const ownership: Ownership = {
        lane,
        partition,
        epoch: lease.epoch,
        mark: Watermark.make(lease.nextOffset),
        crashed: !lease.clean,
        replayTo: yield* untilItAnswers(journal.lastUnfinished({ queue, partition })),
        live: new Map(),
        rowReaders: new Set(),
        carefulBelow,
        alive: true,
        draining: false,
        written: lease.nextOffset,
        // The owner before may have died before it told the broker.
        committed: -1
      }
      lane.owned.set(partition, ownership)
      yield* intake.load(ownership, lease.nextOffset)
      // What comes while the queue is full waits with the rest of it.
      yield* Effect.suspend(() => (lane.full ? membership.pause([partition]) : Effect.void))
      yield* membership.seek(partition, lease.nextOffset)
    })

    const runningOf = (ownership: Ownership) =>
      [...ownership.lane.boxes.running].filter((box) => box.partition === ownership.partition)

    /** Whether records from before the last unclean end are still to be done. */
    const hasSuspects = ({ lane, live, mark, carefulBelow, partition }: Ownership): boolean => {
      if (mark.readTo < carefulBelow) return true
      for (const { offset, state } of live.values()) if (offset < carefulBelow && !isFinal(state)) return true
      for (const box of lane.boxes.bySlot.values()) {
        if (box.partition === partition && box.loadedTo < box.spilledTo && box.loadedTo < carefulBelow) return true
      }
      return false
    }

    const forget = (ownership: Ownership) => {
      ownership.alive = false
      const { owned } = ownership.lane
      if (owned.get(ownership.partition) === ownership) owned.delete(ownership.partition)
      for (const box of Mailboxes.dropPartition(ownership.lane.boxes, ownership.partition)) {
        const head = Fifo.peek(box.tasks)
        if (head?.fiber) attempts.stop(head, "lost")
      }
      ownership.live.clear()
    }

    /**
     * Until it is told, the broker gives the partition to nobody. It may have been told although it did not answer:
     * what it assigns anew is not released again.
     */
    const release = Effect.fnUntraced(function* (lane: Lane, membership: Membership, partition: number) {
      // Who leaves the group frees everything by that.
      if (lane.membership !== membership) return
      lane.unreleased.add(partition)
      while (lane.unreleased.has(partition) && lane.membership === membership) {
        const isReleased = yield* Effect.isSuccess(membership.release(partition))
        if (isReleased) lane.unreleased.delete(partition)
        else yield* Effect.sleep(Duration.millis(insistMs))
      }
    })

    const give = Effect.fnUntraced(function* (lane: Lane, membership: Membership, partition: number) {
      const ownership = lane.owned.get(partition)
      if (ownership === undefined) return yield* release(lane, membership, partition)
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
      // A journal that does not answer must not keep the process from ending: the next owner goes on from what is there.
      const isWritten = Option.isSome(yield* Effect.timeoutOption(flush.barrier, Duration.millis(options.drainMs)))
      // Lost while that was written: what still runs of it is out of sight by now, and nothing is there to give back cleanly.
      if (!ownership.alive) return
      // The backlog that may hold what killed an owner has to be gone through with care by the next one too.
      const isClean = isWritten && runningOf(ownership).length === 0 && !hasSuspects(ownership)
      forget(ownership)
      if (isClean) {
        const released = journal.release({ queue: lane.actor.name, partition, epoch: ownership.epoch })
        yield* Effect.ignore(Effect.timeoutOption(released, Duration.millis(options.drainMs)))
      }
      yield* release(lane, membership, partition)
    })

    const lose = (lane: Lane, partition: number) => {
      const ownership = lane.owned.get(partition)
      if (ownership !== undefined) forget(ownership)
    }

    const handBack = Effect.fnUntraced(function* (lane: Lane, membership: Membership, partition: number) {
      // Whoever raised the epoch may be about to learn that it was not its turn.
      yield* Effect.sleep(Duration.millis(handBackMs))
      if (!lane.owned.has(partition)) yield* release(lane, membership, partition)
    })

    return { take, give, lose, drop: forget, handBack } satisfies Partitions
  })
