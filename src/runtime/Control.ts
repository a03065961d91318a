/**
 * Brings the process in line with what operators want: paused queues and keys,
 * tasks to cancel or to retry. The journal's rows are the truth; the bell makes
 * it quick, and a look every second makes it certain.
 */
import { Clock, Duration, Effect, Schedule } from "effect"
import { makeSignal } from "../broker/Signal.ts"
import { mailboxKeyOf } from "../domain/Task.ts"
import { isFinal } from "../domain/TaskState.ts"
import { Journal } from "../journal/Journal.ts"
import type { PendingCommand } from "../journal/Journal.ts"
import type { Attempts } from "./Attempts.ts"
import type { Flush } from "./Flush.ts"
import type { Intake } from "./Intake.ts"
import * as Fifo from "./Fifo.ts"
import { forkLoop } from "./forkLoop.ts"
import { fromJournal } from "./LiveTask.ts"
import type { Lane, LiveTask, Ownership } from "./Lane.ts"
import * as Mailboxes from "./Mailboxes.ts"
import type { Settlement } from "./Settlement.ts"
import { whileReading } from "./whileReading.ts"
import { confirmWishes, isHeld } from "./Wishes.ts"
import type { Wishes } from "./Wishes.ts"

export interface ControlOptions {
  readonly lanes: ReadonlyArray<Lane>
  readonly wishes: Wishes
  readonly flush: Flush
  readonly attempts: Attempts
  readonly settlement: Settlement
  readonly intake: Intake
  readonly changed: (lane: Lane) => void
}

const pollMs = 1_000

const find = (lanes: ReadonlyArray<Lane>, id: string): LiveTask | undefined => {
  for (const lane of lanes) {
    for (const ownership of lane.owned.values()) {
      const task = ownership.live.get(id)
      if (task !== undefined) return task
    }
  }
  return undefined
}

/** Follows the controls as long as the scope is open. The first look is taken before this returns. */
export const makeControl = (options: ControlOptions) =>
  Effect.gen(function* () {
    const { lanes, wishes, flush, attempts, settlement, intake, changed } = options
    const journal = yield* Journal
    const confirm = confirmWishes(wishes, journal)
    const clock = yield* Clock.Clock
    const bell = makeSignal()

    const applyPauses = () => {
      for (const lane of lanes) {
        lane.paused = wishes.controls.pausedQueues.has(lane.actor.name)
        for (const box of lane.boxes.bySlot.values()) {
          if (box.keyBytes === null) continue
          const held = isHeld(wishes, lane, box.key)
          if (held && box.state !== "held") Mailboxes.hold(box)
          else if (!held && (box.state === "held" || box.heldNext)) {
            // A head that may not start yet goes back to waiting by way of the dispatcher, which looks at its time.
            Mailboxes.free(lane.boxes, box, clock.currentTimeMillisUnsafe(), false)
            if (Fifo.size(box.tasks) === 0) intake.refill(lane, box)
          }
        }
        changed(lane)
      }
    }

    /** The row of a task, if it has one, what ended meanwhile, and whether the task is to be cancelled by then. */
    const rowOf = (ownership: Ownership, id: string) =>
      whileReading(
        [ownership],
        Effect.map(journal.task(id), (row) => (row === null ? [] : [row])),
        (rows) => confirm(() => rows)
      )

    /** Ends a task that is in memory; answers whether it is gone already, or is told to stop. */
    const withdraw = (task: LiveTask): boolean => {
      // One that waits until it may run alone is no longer in line: it is stopped at its start.
      const isGone = task.state === "queued" && settlement.cancelQueued(task, "an operator")
      if (!isGone) attempts.stop(task, "cancel")
      return isGone
    }

    /** Whether a task was here when the look began. What came since may be of a later life than what the look knows. */
    const isKnown = (task: LiveTask, look: number): boolean => task.looks < look

    /** Cancels what was in memory, when the look began, of flows that are to end. */
    const cancelFlows = (look: number) => {
      const { cancelledFlows } = wishes.controls
      if (cancelledFlows.size === 0) return
      for (const lane of lanes) {
        for (const { live, draining } of lane.owned.values()) {
          if (draining) continue
          for (const task of live.values()) {
            if (task.flow === null || !cancelledFlows.has(task.flow)) continue
            if (!isFinal(task.state) && isKnown(task, look)) withdraw(task)
          }
        }
      }
    }

    const cancel = Effect.fnUntraced(function* (command: PendingCommand, look: number) {
      const task = find(lanes, command.task)
      const finish = (by: Ownership | null) => {
        if (by === null) wishes.cancels.delete(command.task)
        flush.command(command.number, by)
      }
      const end = (live: LiveTask) => (!isFinal(live.state) && withdraw(live) ? finish(live.ownership) : undefined)
      if (task !== undefined) {
        // What was read from its topic is in its first life still.
        if (!task.fromRow || isKnown(task, look)) return end(task)
        const { tasks } = yield* confirm(() => [task])
        return tasks.has(task.id) && task.ownership.alive ? end(task) : undefined
      }
      if (command.at === null) return
      if (isFinal(command.at.state)) return finish(null)
      const ownership = lanes.find((lane) => lane.actor.name === command.at!.queue)?.owned.get(command.at.partition)
      if (ownership === undefined || !ownership.alive || ownership.draining) return
      // It stands in the journal alone: behind many others of its key.
      const { rows, confirmed, ended } = yield* rowOf(ownership, command.task)
      const [row] = rows
      if (row === undefined || row.record === null || isFinal(row.state)) return
      if (!confirmed.tasks.has(row.id) || ended.has(row.id) || !ownership.alive) return
      const come = ownership.live.get(row.id)
      if (come !== undefined) return end(come)
      const { key } = row.record
      const box =
        key === null ? undefined : Mailboxes.find(ownership.lane.boxes, mailboxKeyOf(key), ownership.partition)
      if (box === undefined) return
      const spilled = fromJournal(row, ownership, box, row.queuedAt, false)
      spilled.spilled = true
      ownership.live.set(row.id, spilled)
      settlement.cancelQueued(spilled, "an operator")
      finish(ownership)
    })

    const retry = Effect.fnUntraced(function* (command: PendingCommand) {
      if (command.at === null) return
      const lane = lanes.find((candidate) => candidate.actor.name === command.at!.queue)
      const ownership = lane?.owned.get(command.at.partition)
      if (ownership === undefined || !ownership.alive || ownership.draining) return
      const taken = wishes.retried.get(command.task)
      // Another number was asked for after the end of what was taken up, and that this is written is not known here yet.
      const isTaken = taken?.by === ownership && taken.number === command.number
      const state = () => ownership.live.get(command.task)?.state
      // What has ended is known here until its end is known to be written. Whether it was retried after that end, or
      // had been before and has ended once more, the row says only then.
      if (!isTaken && state() !== undefined && isFinal(state()!)) yield* flush.barrier
      if (!isTaken && !isFinal(command.at.state) && state() === undefined) {
        const { rows, confirmed, ended } = yield* rowOf(ownership, command.task)
        const [row] = rows
        // It was found, and came to an end, while its row was on the way: the next look knows more.
        if (ended.has(command.task)) return
        if (row !== undefined && !isFinal(row.state) && ownership.alive && state() === undefined) {
          wishes.retried.set(command.task, { by: ownership, number: command.number })
          intake.adopt(ownership, row, confirmed)
        }
      }
      flush.command(command.number, ownership)
    })

    const look = Effect.gen(function* () {
      const number = ++wishes.looks
      const begunAt = clock.currentTimeMillisUnsafe()
      for (const lane of lanes) lane.looks = number
      wishes.controls = yield* journal.controls
      for (const [slot, unseen] of wishes.blocked) if (unseen < number) wishes.blocked.delete(slot)
      const asked = new Set<string>()
      for (const command of wishes.controls.commands) {
        if (command.kind !== "cancel") continue
        asked.add(command.task)
        // Before any of them waits for the journal: what comes into memory meanwhile has to know. And until its end is
        // written, also where it is here: its partition may go, and come back before the next look.
        wishes.cancels.set(command.task, command.number)
      }
      for (const id of wishes.cancels.keys()) if (!asked.has(id)) wishes.cancels.delete(id)
      applyPauses()
      cancelFlows(number)
      wishes.seenAt = begunAt
      for (const command of wishes.controls.commands) {
        yield* command.kind === "cancel" ? cancel(command, number) : retry(command)
      }
    }).pipe(Effect.tapError((error) => Effect.logWarning("the controls could not be read", error.message)))

    // What is paused must be known before anything starts.
    yield* look.pipe(Effect.retry(Schedule.spaced(Duration.millis(pollMs))), Effect.orDie)
    yield* journal.watchControls(bell.ring)
    yield* forkLoop(
      "the control loop",
      Effect.andThen(Effect.raceFirst(bell.wait, Effect.sleep(Duration.millis(pollMs))), Effect.ignore(look))
    )
  })
