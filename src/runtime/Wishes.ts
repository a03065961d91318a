/**
 * What operators want, as this process knows it: what is paused, and which
 * tasks and flows are to end. What it knows is always a little old; who is
 * about to act on it where that matters asks the journal once more.
 */
import { Effect } from "effect"
import { slotOf } from "../journal/Journal.ts"
import type { Controls, Journal } from "../journal/Journal.ts"
import type { JournalError } from "../journal/JournalError.ts"
import type { Lane, LiveTask, Ownership } from "./Lane.ts"

export interface Wishes {
  controls: Controls
  /** Tasks to be cancelled, with the number of the command, until their end is written: looked at when a task comes into memory. */
  readonly cancels: Map<string, number>
  /** Tasks that were taken up again, by which ownership and for which command, until their end is written: each is taken up once. */
  readonly retried: Map<string, { readonly by: Ownership; readonly number: number }>
  /** Mailboxes this process has blocked, by slot, with the number of the last look that may not have seen it. */
  readonly blocked: Map<string, number>
  /** Looks at the controls so far. */
  looks: number
  /** When the last of them that has succeeded was begun, ms. */
  seenAt: number
}

export const makeWishes = (): Wishes => ({
  controls: {
    pausedQueues: new Set(),
    pausedKeys: new Set(),
    pausedSlots: new Set(),
    commands: [],
    cancelledFlows: new Set()
  },
  cancels: new Map(),
  retried: new Map(),
  blocked: new Map(),
  looks: 0,
  seenAt: Number.NEGATIVE_INFINITY
})

/** What was seen so long ago may have been changed since, ms: a pause has to be obeyed also where looks take long. */
const staleMs = 2_500

/** Whether what is paused is known well enough to start something; also false where the clock was set back. */
export const isInformed = (wishes: Wishes, now: number): boolean => Math.abs(now - wishes.seenAt) <= staleMs

/** A mailbox was blocked here. `written` calls back when the journal has it: only a look that starts later may know. */
export const block = (wishes: Wishes, lane: Lane, key: string, written: (done: () => void) => void): void => {
  const slot = slotOf(lane.actor.name, key)
  wishes.blocked.set(slot, Number.POSITIVE_INFINITY)
  written(() => wishes.blocked.set(slot, wishes.looks))
}

/** Whether the mailbox of `key` in `lane` is paused. */
export const isHeld = (wishes: Wishes, lane: Lane, key: string): boolean =>
  wishes.controls.pausedKeys.has(key) ||
  (wishes.controls.pausedSlots.size > 0 && wishes.controls.pausedSlots.has(slotOf(lane.actor.name, key))) ||
  (wishes.blocked.size > 0 && wishes.blocked.has(slotOf(lane.actor.name, key)))

/** The end of a task is written, or was dropped with its partition: then a wish to cancel it is still to be obeyed. */
export const fulfilled = (wishes: Wishes, task: LiveTask): void => {
  wishes.retried.delete(task.id)
  if (task.ownership.alive) wishes.cancels.delete(task.id)
}

/** A task, or what is about to become one. */
export interface Cancellable {
  readonly id: string
  readonly flow: string | null
}

/** What is to be cancelled of what was asked for: tasks, with the number of the command, and flows. */
export interface Confirmed {
  readonly tasks: ReadonlyMap<string, number>
  readonly flows: ReadonlySet<string>
}

const nothing: Confirmed = { tasks: new Map(), flows: new Set() }

/** What of `all` is to be cancelled, as far as is known. */
const knownOf = ({ cancels, controls }: Wishes, all: ReadonlyArray<Cancellable>): Confirmed => {
  const tasks = new Map<string, number>()
  const flows = new Set<string>()
  for (const { id, flow } of all) {
    const asked = cancels.get(id)
    if (asked !== undefined) tasks.set(id, asked)
    if (flow !== null && controls.cancelledFlows.has(flow)) flows.add(flow)
  }
  return { tasks, flows }
}

/**
 * Rows or records were read, to make tasks of them. Where a wish to cancel one of them or its flow is known, it may have
 * been obeyed elsewhere since, and have ended with a retry after that: whether it is still there is asked anew. A wish
 * that became known while that was asked is asked about too.
 */
export const confirmWishes =
  (wishes: Wishes, journal: Journal["Service"]) =>
  (of: () => ReadonlyArray<Cancellable>): Effect.Effect<Confirmed, JournalError> => {
    const ask = (all: ReadonlyArray<Cancellable>): Effect.Effect<Confirmed, JournalError> => {
      const { tasks, flows } = knownOf(wishes, all)
      if (tasks.size === 0 && flows.size === 0) return Effect.succeed(nothing)
      return Effect.flatMap(journal.askedToCancel([...tasks.keys()], [...flows]), (asked) => {
        const now = knownOf(wishes, all)
        const isNew = [...now.tasks.keys()].some((id) => !tasks.has(id)) || [...now.flows].some((id) => !flows.has(id))
        if (isNew) return ask(all)
        return Effect.succeed({
          tasks: new Map([...tasks].filter(([id]) => asked.tasks.has(id))),
          flows: asked.flows
        })
      })
    }
    return Effect.suspend(() =>
      wishes.cancels.size === 0 && wishes.controls.cancelledFlows.size === 0 ? Effect.succeed(nothing) : ask(of())
    )
  }
