/**
 * The mailboxes of one actor: one FIFO per key, one task of each in flight,
 * keys served in turn. Plain data; no fibers, no clock, no I/O.
 *
 * A mailbox is in one of five states:
 *
 * | state   | meaning                                   | leaves by                                   |
 * |---------|-------------------------------------------|---------------------------------------------|
 * | ready   | has a head task and stands in the line    | take → running; hold → held                 |
 * | running | its head task is being executed           | finish → ready, or gone when empty; wait → waiting |
 * | waiting | its head task may not start yet           | wake → ready; hold → held                   |
 * | held    | an operator paused the key                | free → ready                                |
 * | empty   | no task in memory, but some in the journal | put (reloaded) → ready                     |
 *
 * A key that is held while its task runs lets the task end and is held then
 * (`heldNext`). What waits or is held takes no slot and blocks its key only.
 * A mailbox also waits while a cancellation in it is on its way to the journal
 * (`barred`): what stood behind would overtake a task that the next owner, who
 * may not know of the wish yet, still runs.
 * Counts are derived from these collections and kept nowhere else.
 */
import type { Priority } from "../domain/Outcome.ts"
import { userOf } from "../domain/Task.ts"
import * as Fifo from "./Fifo.ts"

export type MailboxState = "ready" | "running" | "waiting" | "held" | "empty"

export interface Mailbox<T> {
  readonly key: string
  /** The key as the records have it; null where a record without a key has a mailbox of its own. */
  readonly keyBytes: Uint8Array | null
  /** The key for eyes. */
  readonly user: string | null
  readonly partition: number
  readonly tasks: Fifo.Fifo<T>
  state: MailboxState
  /** Held as soon as the running task has ended. */
  heldNext: boolean
  /** How many of its tasks were cancelled here without that being written yet. */
  barred: number
  /** Stands in a line already (it may have lost the right to since). */
  listed: boolean
  /** When it got into the line, ms. */
  readyAt: number
  /** Highest offset that is in memory or was. */
  loadedTo: number
  /** Highest offset that was left to the journal alone; above `loadedTo` there is more to load. */
  spilledTo: number
  loading: boolean
}

export interface Mailboxes<T> {
  /**
   * By partition and key. A foreign producer may spread one key over partitions: those have no common order and may
   * come and go apart.
   */
  readonly bySlot: Map<string, Mailbox<T>>
  /** Mailboxes whose task is running. */
  readonly running: Set<Mailbox<T>>
  /** Lines of ready mailboxes by the priority of their head task. */
  readonly lines: Readonly<Record<Priority, Fifo.Fifo<Mailbox<T>>>>
}

/** What the mailboxes need to know of a task. */
export interface Queued {
  readonly priority: Priority
}

export const make = <T>(): Mailboxes<T> => ({
  bySlot: new Map(),
  running: new Set(),
  lines: { high: Fifo.make(), medium: Fifo.make(), low: Fifo.make() }
})

const slotOf = (partition: number, key: string): string => `${partition}/${key}`

export const find = <T>(boxes: Mailboxes<T>, key: string, partition: number): Mailbox<T> | undefined =>
  boxes.bySlot.get(slotOf(partition, key))

const forget = <T>(boxes: Mailboxes<T>, box: Mailbox<T>): void => {
  boxes.bySlot.delete(slotOf(box.partition, box.key))
}

/** The mailbox of `key` in its partition, made where there is none. */
export const open = <T>(
  boxes: Mailboxes<T>,
  key: string,
  keyBytes: Uint8Array | null,
  partition: number,
  held: boolean
): Mailbox<T> => {
  const slot = slotOf(partition, key)
  let box = boxes.bySlot.get(slot)
  if (box === undefined) {
    box = {
      key,
      keyBytes,
      user: userOf(keyBytes),
      partition,
      tasks: Fifo.make(),
      state: held ? "held" : "empty",
      heldNext: false,
      barred: 0,
      listed: false,
      readyAt: 0,
      loadedTo: -1,
      spilledTo: -1,
      loading: false
    }
    boxes.bySlot.set(slot, box)
  }
  return box
}

const line = <T extends Queued>(boxes: Mailboxes<T>, box: Mailbox<T>, now: number): void => {
  box.state = box.barred > 0 ? "waiting" : "ready"
  if (box.barred > 0 || box.listed) return
  box.listed = true
  box.readyAt = now
  Fifo.push(boxes.lines[Fifo.peek(box.tasks)!.priority], box)
}

/** Appends a task to its mailbox. */
export const put = <T extends Queued>(boxes: Mailboxes<T>, box: Mailbox<T>, task: T, now: number): void => {
  Fifo.push(box.tasks, task)
  if (box.state === "empty") line(boxes, box, now)
}

const handicaps: Readonly<Record<Priority, number>> = { high: 0, medium: 1_000, low: 5_000 }

/**
 * How long (ms) a line of this priority gives way to a higher one. It is the
 * ageing at the same time: who has waited longer than the difference goes first.
 */
export const handicapOf = (priority: Priority): number => handicaps[priority]

const front = <T>(fifo: Fifo.Fifo<Mailbox<T>>): Mailbox<T> | undefined => {
  let box = Fifo.peek(fifo)
  while (box !== undefined && box.state !== "ready") {
    box.listed = false
    Fifo.shift(fifo)
    box = Fifo.peek(fifo)
  }
  return box
}

/** The line whose first mailbox should be served next, by time in line plus handicap; undefined when none is ready. */
export const nextLine = <T>(
  boxes: Mailboxes<T>
): { readonly priority: Priority; readonly rank: number } | undefined => {
  let best: { priority: Priority; rank: number } | undefined
  for (const priority of ["high", "medium", "low"] as const) {
    const box = front(boxes.lines[priority])
    if (box === undefined) continue
    const rank = box.readyAt + handicaps[priority]
    if (best === undefined || rank < best.rank) best = { priority, rank }
  }
  return best
}

/** Takes the first ready mailbox of a line; its head task is in flight from now on. */
export const take = <T>(boxes: Mailboxes<T>, priority: Priority): Mailbox<T> => {
  const box = Fifo.shift(boxes.lines[priority])!
  box.listed = false
  box.state = "running"
  boxes.running.add(box)
  return box
}

const settle = <T extends Queued>(boxes: Mailboxes<T>, box: Mailbox<T>, now: number): void => {
  if (box.heldNext) {
    box.heldNext = false
    box.state = "held"
  } else if (Fifo.size(box.tasks) > 0) line(boxes, box, now)
  else if (box.spilledTo > box.loadedTo || box.loading || box.barred > 0) box.state = "empty"
  else forget(boxes, box)
}

/** The running task has ended: it leaves, and the next of the key may go. */
export const finish = <T extends Queued>(boxes: Mailboxes<T>, box: Mailbox<T>, now: number): void => {
  boxes.running.delete(box)
  Fifo.shift(box.tasks)
  settle(boxes, box, now)
}

/** The running task goes on later: it stays at the head, and its slot is free. */
export const wait = <T>(boxes: Mailboxes<T>, box: Mailbox<T>): void => {
  boxes.running.delete(box)
  if (box.heldNext) {
    box.heldNext = false
    box.state = "held"
  } else box.state = "waiting"
}

/** The time of a waiting mailbox has come. */
export const wake = <T extends Queued>(boxes: Mailboxes<T>, box: Mailbox<T>, now: number): void => {
  if (box.state === "waiting") line(boxes, box, now)
}

/** Pauses a key. */
export const hold = <T>(box: Mailbox<T>): void => {
  if (box.state === "running") box.heldNext = true
  else box.state = "held"
}

/** Resumes a key; `waits` says whether its head task may not start yet. */
export const free = <T extends Queued>(boxes: Mailboxes<T>, box: Mailbox<T>, now: number, waits: boolean): void => {
  box.heldNext = false
  if (box.state !== "held") return
  if (waits) box.state = "waiting"
  else settle(boxes, box, now)
}

/** A task of it is cancelled: until that is written, nothing of it begins. */
export const bar = <T>(box: Mailbox<T>): void => {
  box.barred++
  if (box.state === "ready") box.state = "waiting"
}

/** Takes a task that is cancelled and not running out of its mailbox; false where it is not there. */
export const withdraw = <T>(box: Mailbox<T>, task: T): boolean => {
  if (box.state === "running" && Fifo.peek(box.tasks) === task) return false
  if (!Fifo.remove(box.tasks, task)) return false
  bar(box)
  if (box.state === "waiting" && Fifo.size(box.tasks) === 0) box.state = "empty"
  return true
}

/** The cancellation is written. */
export const unbar = <T extends Queued>(boxes: Mailboxes<T>, box: Mailbox<T>, now: number): void => {
  box.barred--
  if (box.state === "waiting") line(boxes, box, now)
  else prune(boxes, box)
}

/** Drops all mailboxes of a partition, whatever they are doing; answers them. */
export const dropPartition = <T>(boxes: Mailboxes<T>, partition: number): ReadonlyArray<Mailbox<T>> => {
  const gone: Array<Mailbox<T>> = []
  for (const box of boxes.bySlot.values()) {
    if (box.partition !== partition) continue
    forget(boxes, box)
    boxes.running.delete(box)
    box.state = "held"
    gone.push(box)
  }
  return gone
}

/** Forgets a mailbox that has nothing in memory and nothing in the journal. */
export const prune = <T>(boxes: Mailboxes<T>, box: Mailbox<T>): void => {
  if (box.barred > 0 || box.state !== "empty" || Fifo.size(box.tasks) > 0) return
  if (box.spilledTo <= box.loadedTo && !box.loading) forget(boxes, box)
}
