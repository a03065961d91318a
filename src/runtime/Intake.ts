/**
 * From records to tasks in mailboxes: duplicates are dropped, a mailbox keeps
 * a bounded number of tasks in memory and leaves the rest to the journal, and
 * the queue as a whole stops reading when enough is ready to run. What waits
 * or is held does not count there, so a paused user never stops the others.
 */
import { Clock, Effect } from "effect"
import type { TopicRecord } from "../broker/Record.ts"
import { envelopeOf } from "../domain/Envelope.ts"
import { taskIdOf } from "../domain/ids.ts"
import type { Task } from "../domain/Task.ts"
import { mailboxKeyOf } from "../domain/Task.ts"
import { isFinal } from "../domain/TaskState.ts"
import { Journal } from "../journal/Journal.ts"
import type { JournalError } from "../journal/JournalError.ts"
import type { Bounds } from "./bounds.ts"
import * as Fifo from "./Fifo.ts"
import type { Flush } from "./Flush.ts"
import { fromJournal, fromRecord } from "./LiveTask.ts"
import type { Lane, LiveTask, Ownership } from "./Lane.ts"
import * as Mailboxes from "./Mailboxes.ts"
import type { Mailbox } from "./Mailboxes.ts"
import { monotonicMs } from "./monotonic.ts"
import { proveOwner } from "./proveOwner.ts"
import * as Watermark from "./Watermark.ts"
import type { Cancellable, Confirmed } from "./Wishes.ts"
import { untilItAnswers } from "./untilItAnswers.ts"
import { whileReading } from "./whileReading.ts"

export interface Intake {
  readonly records: (lane: Lane, records: ReadonlyArray<TopicRecord>) => Effect.Effect<void>
  /** A partition was read up to this offset, where no record was handed on of the last places. */
  readonly passed: (lane: Lane, partition: number, to: number) => void
  /** Puts the unfinished tasks of a newly owned partition, as far as all before them have a row, into their mailboxes. */
  readonly load: (ownership: Ownership, below: number) => Effect.Effect<void>
  /** Puts one task of the journal into its mailbox (an operator retried it). */
  readonly adopt: (ownership: Ownership, task: Task, confirmed: Confirmed) => void
  /** Loads more of a mailbox whose memory has run low. */
  readonly refill: (lane: Lane, box: Mailbox<LiveTask>) => void
}

export interface IntakeOptions {
  readonly flush: Flush
  readonly bounds: Bounds
  readonly isHeld: (lane: Lane, key: string) => boolean
  /** Withdraws the task at once where it or its flow is to be cancelled. */
  readonly cancelled: (task: LiveTask, confirmed: Confirmed) => void
  /** Before tasks are made of what was read: what of it is to be cancelled (Wishes.ts). */
  readonly confirm: (of: () => ReadonlyArray<Cancellable>) => Effect.Effect<Confirmed, JournalError>
  readonly changed: (lane: Lane) => void
  readonly runFork: (effect: Effect.Effect<void>) => void
}

const page = 2_000

/** Tasks that wait to be written are in memory however full their mailboxes are: above so many, reading waits for the disk. */
const mostUnwritten = 4_000

const patiently = <A>(effect: Effect.Effect<A, JournalError>): Effect.Effect<A> =>
  untilItAnswers(
    Effect.tapError(effect, (error) => Effect.logWarning("the intake waits for the journal", error.message))
  )

// A character no key can have: keys become latin1 strings.
const keylessMark = "\u2022"

export const makeIntake = (options: IntakeOptions) =>
  Effect.gen(function* () {
    const { flush, bounds } = options
    const journal = yield* Journal
    const clock = yield* Clock.Clock

    /** Rows to make tasks of, and what of them or of `more` is to be cancelled. */
    const rowsOf = (
      ownerships: ReadonlyArray<Ownership>,
      read: Effect.Effect<ReadonlyArray<Task>, JournalError>,
      more: () => ReadonlyArray<Cancellable> = () => []
    ) => whileReading(ownerships, patiently(read), (rows) => patiently(options.confirm(() => [...rows, ...more()])))

    const boxOf = (ownership: Ownership, key: Uint8Array | null, offset: number): Mailbox<LiveTask> => {
      const { lane, partition } = ownership
      const name = key === null ? `${keylessMark}${partition}:${offset}` : mailboxKeyOf(key)
      return (
        Mailboxes.find(lane.boxes, name, partition) ??
        Mailboxes.open(lane.boxes, name, key, partition, key !== null && options.isHeld(lane, name))
      )
    }

    /** Whether the next task of this mailbox is left to the journal. */
    const spills = (box: Mailbox<LiveTask>): boolean => {
      if (box.spilledTo > box.loadedTo) return true
      const resting = box.state === "waiting" || box.state === "held"
      return Fifo.size(box.tasks) >= (resting ? bounds.waiting : bounds.mailbox)
    }

    const admit = (task: LiveTask, now: number) => {
      const { box, ownership } = task
      ownership.live.set(task.id, task)
      if (spills(box)) {
        box.spilledTo = task.offset
        task.spilled = true
        flush.task(task)
        return
      }
      box.loadedTo = Math.max(box.loadedTo, task.offset)
      Mailboxes.put(ownership.lane.boxes, box, task, now)
    }

    const place = (ownership: Ownership, row: Task, confirmed: Confirmed, now: number, always: boolean) => {
      const live = ownership.live.get(row.id)
      // One that has ended here is only taken up again where an operator wants that.
      if (live !== undefined && !(always && isFinal(live.state))) return
      const box = boxOf(ownership, row.record?.key ?? null, row.offset)
      const task = fromJournal(row, ownership, box, monotonicMs(clock), ownership.crashed)
      if (!always && spills(box)) {
        box.spilledTo = Math.max(box.spilledTo, row.offset)
        return
      }
      // One that an operator retried says nothing of those before it, which may be in the journal alone or not yet read.
      if (!always) box.loadedTo = Math.max(box.loadedTo, row.offset)
      ownership.live.set(task.id, task)
      Mailboxes.put(ownership.lane.boxes, box, task, now)
      options.cancelled(task, confirmed)
    }

    /** Rows of replayed records whose tasks have not ended, and what of all records is to be cancelled. */
    const pendingOf = (
      lane: Lane,
      batch: ReadonlyArray<TopicRecord>,
      ids: ReadonlyArray<string>,
      known: ReadonlyMap<string, number>,
      all: () => ReadonlyArray<Cancellable>
    ) => {
      const asked = ids.filter((id, i) => {
        const ownership = lane.owned.get(batch[i]!.partition)
        return (
          ownership !== undefined && batch[i]!.offset <= ownership.replayTo && known.has(id) && !ownership.live.has(id)
        )
      })
      const none = asked.length === 0
      const read = none ? Effect.succeed([]) : journal.pending(asked)
      return Effect.map(rowsOf(none ? [] : [...lane.owned.values()], read, all), ({ rows, ended, confirmed }) => ({
        pending: new Map(rows.flatMap((row) => (ended.has(row.id) ? [] : [[row.id, row] as const]))),
        confirmed
      }))
    }

    /** The task of this id in any of the partitions: a producer that spreads its repeats may reach two at once. */
    const liveOf = (lane: Lane, id: string): LiveTask | undefined => {
      for (const { live } of lane.owned.values()) {
        const task = live.get(id)
        if (task !== undefined) return task
      }
      return undefined
    }

    const records = Effect.fnUntraced(function* (lane: Lane, batch: ReadonlyArray<TopicRecord>) {
      const queue = lane.actor.name
      const envelopes = batch.map((record) =>
        envelopeOf(record.headers, () => `${record.topic}/${record.partition}/${record.offset}`, lane.actor.topic.type)
      )
      const ids = envelopes.map((envelope) => taskIdOf(queue, envelope.id))
      // What is in memory before the question is either still there after it, or so long in the journal that it is found.
      const before = ids.map((id) => liveOf(lane, id)?.offset)
      const known = yield* patiently(journal.known(ids))
      yield* proveOwner(flush, lane, batch, (i) => known.get(ids[i]!))
      const all = () => ids.map((id, i) => ({ id, flow: envelopes[i]!.flow }))
      const { pending, confirmed } = yield* pendingOf(lane, batch, ids, known, all)
      const now = clock.currentTimeMillisUnsafe()
      const loadedAt = monotonicMs(clock)
      for (const [i, record] of batch.entries()) {
        const ownership = lane.owned.get(record.partition)
        if (ownership === undefined || !ownership.alive || ownership.draining) continue
        Watermark.read(ownership.mark, record.offset)
        const id = ids[i]!
        const { type, flow, priority } = envelopes[i]!
        const live = liveOf(lane, id)
        const earlier = known.get(id) ?? before[i] ?? live?.offset
        if (earlier !== undefined) {
          // Read again while its task is in memory alone: it has no row yet.
          if (!known.has(id) && live?.ownership === ownership && live.offset === record.offset) continue
          Watermark.journalled(ownership.mark, record.offset)
          flush.position(ownership)
          // The same record again is a replay; the same id at another place is a duplicate.
          if (earlier !== record.offset && flow !== null) {
            flush.item(ownership, { kind: "skip", row: { flow, task: id, offset: record.offset } })
          }
          const row = pending.get(id)
          if (row !== undefined && row.partition === record.partition && row.offset === record.offset)
            place(ownership, row, confirmed, now, false)
          continue
        }
        // Read again, and done with here: the repeat of one that another partition had meanwhile, which has that one's care.
        if (Watermark.isJournalled(ownership.mark, record.offset)) continue
        const { key, value, headers } = record
        const task = fromRecord({
          id,
          offset: record.offset,
          type,
          flow,
          priority,
          queuedAt: record.timestamp,
          record: { key, value, headers },
          ownership,
          box: boxOf(ownership, key, record.offset),
          loadedAt
        })
        admit(task, now)
        options.cancelled(task, confirmed)
      }
      lane.read += batch.length
      options.changed(lane)
      if (flush.backlog() > mostUnwritten) yield* flush.barrier
    })

    const load = Effect.fnUntraced(function* (ownership: Ownership, below: number) {
      const { lane, partition } = ownership
      let after = -1
      while (true) {
        const { rows, ended, confirmed } = yield* rowsOf(
          [ownership],
          journal.unfinished({ queue: lane.actor.name, partition, after, below, limit: page })
        )
        // Lost meanwhile: what it found belongs to whoever owns the partition now, here or elsewhere.
        if (!ownership.alive) return
        const now = clock.currentTimeMillisUnsafe()
        for (const row of rows) if (!ended.has(row.id)) place(ownership, row, confirmed, now, false)
        options.changed(lane)
        if (rows.length < page) return
        after = rows.at(-1)!.offset
      }
    })

    const refill = (lane: Lane, box: Mailbox<LiveTask>) => {
      if (box.loading || box.spilledTo <= box.loadedTo || Fifo.size(box.tasks) > bounds.waiting) return
      const ownership = lane.owned.get(box.partition)
      if (ownership === undefined || !ownership.alive || box.keyBytes === null) return
      box.loading = true
      const { keyBytes: key, partition, spilledTo: target } = box
      options.runFork(
        Effect.gen(function* () {
          // What was left to the journal must have got there before it is looked for.
          yield* flush.barrier
          // Rows above the target belong to records that this owner has not read yet: what stands before may have none.
          const of = { queue: lane.actor.name, partition, key, after: box.loadedTo, below: target + 1 }
          const backlog = journal.backlog({ ...of, limit: bounds.mailbox })
          const { rows, ended, confirmed } = yield* rowsOf([ownership], backlog)
          box.loading = false
          if (!ownership.alive) return
          const now = clock.currentTimeMillisUnsafe()
          for (const row of rows) {
            box.loadedTo = Math.max(box.loadedTo, row.offset)
            // A spilled one whose row was only just written is not in the mailbox yet.
            const live = ownership.live.get(row.id)
            if (live !== undefined && (!live.spilled || isFinal(live.state))) continue
            if (ended.has(row.id)) continue
            const task = fromJournal(row, ownership, box, monotonicMs(clock), false)
            ownership.live.set(task.id, task)
            Mailboxes.put(lane.boxes, box, task, now)
            options.cancelled(task, confirmed)
          }
          // Fewer than asked for: everything that was spilled before the question is here, or was cancelled there.
          if (rows.length < bounds.mailbox) box.loadedTo = Math.max(box.loadedTo, target)
          refill(lane, box)
          Mailboxes.prune(lane.boxes, box)
          options.changed(lane)
        })
      )
    }

    const passed = (lane: Lane, partition: number, to: number) => {
      const ownership = lane.owned.get(partition)
      if (ownership === undefined || !ownership.alive || ownership.draining) return
      Watermark.passed(ownership.mark, to)
      flush.position(ownership)
    }

    return {
      records,
      passed,
      load,
      refill,
      adopt: (ownership, row, confirmed) => {
        place(ownership, row, confirmed, clock.currentTimeMillisUnsafe(), true)
        options.changed(ownership.lane)
      }
    } satisfies Intake
  })
