/**
 * What the flush has taken to write: built from live tasks at one moment, cut
 * down to what is still owned when it is written, halved where the journal
 * refuses a part of it or it is too much at once. Plain data and functions.
 */
import { sizeOf } from "../broker/Record.ts"
import type { OutgoingRecord } from "../broker/Record.ts"
import type { Task } from "../domain/Task.ts"
import type { AttemptRow, Batch, LogRow, StateRow, StepRow } from "../journal/Journal.ts"
import type { LiveTask, Outbox, Ownership } from "./Lane.ts"

/** Everything that may be written, with the partition whose fence covers it. */
export type Item =
  | { readonly kind: "attempt"; readonly row: AttemptRow }
  | { readonly kind: "step"; readonly row: StepRow }
  | { readonly kind: "log"; readonly row: LogRow }
  | { readonly kind: "skip"; readonly row: Batch["skips"][number] }

export interface Owned {
  readonly ownership: Ownership
  readonly item: Item
}

export interface Obeyed {
  /** Its number. */
  readonly command: number
  readonly by: Ownership | null
}

export interface Taken {
  /** Told to the journal, which knows by it what it has already. */
  readonly number: number
  readonly tasks: ReadonlyArray<readonly [LiveTask, Task, Outbox | null]>
  readonly items: ReadonlyArray<Owned>
  readonly commands: ReadonlyArray<Obeyed>
  readonly positions: ReadonlySet<Ownership>
  readonly waiters: ReadonlyArray<Waiter>
  /** Whether the watermarks may move: not with the first part of what they cover. */
  readonly isWhole: boolean
}

/** Who waits for what was dirty when it asked. */
export interface Waiter {
  readonly done: () => void
  /** How many tasks had become dirty by then. */
  readonly came: number
}

/** Marks a row that has been refused once already. */
export const refusedOutbox: Outbox = { records: [], states: [], holds: [] }

type TakenTask = Taken["tasks"][number]

/** A task whose row was refused, as a failure that can be stored. */
export const refusedOf = ([task, row]: TakenTask, detail: string): TakenTask => [
  task,
  {
    ...row,
    state: "failed",
    reason: `its end could not be stored: ${detail}`.slice(0, 1_000),
    result: null,
    progress: null
  },
  refusedOutbox
]

const weightOfItem = (item: Item): number => {
  if (item.kind === "step") return item.row.result.length
  if (item.kind === "attempt") return item.row.detail?.length ?? 0
  return item.kind === "log" ? item.row.message.length : 0
}

/** How much there is to write: characters and bytes of what may be long. */
export const weightOf = ({ tasks, items }: Taken): number => {
  let weight = 0
  for (const [, row, outbox] of tasks) {
    weight += (row.result?.length ?? 0) + (row.progress?.length ?? 0) + (row.record === null ? 0 : sizeOf(row.record))
    if (outbox === null) continue
    for (const record of outbox.records) weight += sizeOf(record)
    for (const { value } of outbox.states) weight += value?.length ?? 0
  }
  for (const { item } of items) weight += weightOfItem(item)
  return weight
}

/** Two halves, each behind the same fence; commands go and the watermarks move with the second. */
export const halvesOf = (taken: Taken, number: () => number): readonly [Taken, Taken] => {
  // Rounded up, so that a task and an item part: two that stay together would be halved without end.
  const tasks = (taken.tasks.length + 1) >> 1
  const items = taken.items.length >> 1
  return [
    {
      ...taken,
      number: number(),
      tasks: taken.tasks.slice(0, tasks),
      items: taken.items.slice(0, items),
      commands: [],
      isWhole: false
    },
    { ...taken, number: number(), tasks: taken.tasks.slice(tasks), items: taken.items.slice(items) }
  ]
}

/** What of `taken` may still be written. */
export const batchOf = (taken: Taken): { readonly batch: Batch; readonly outputs: ReadonlyArray<OutgoingRecord> } => {
  const outputs: Array<OutgoingRecord> = []
  const rows: Array<Task> = []
  const states: Array<StateRow> = []
  const holds: Array<Batch["holds"][number]> = []
  for (const [task, row, outbox] of taken.tasks) {
    if (!task.ownership.alive) continue
    rows.push(row)
    if (outbox === null) continue
    outputs.push(...outbox.records)
    states.push(...outbox.states)
    holds.push(...outbox.holds)
  }
  const attempts: Array<AttemptRow> = []
  const steps: Array<StepRow> = []
  const logs: Array<LogRow> = []
  const skips: Array<Batch["skips"][number]> = []
  for (const { ownership, item } of taken.items) {
    if (!ownership.alive) continue
    if (item.kind === "attempt") attempts.push(item.row)
    else if (item.kind === "step") steps.push(item.row)
    else if (item.kind === "log") logs.push(item.row)
    else skips.push(item.row)
  }
  const fences: Array<Batch["positions"][number]> = []
  for (const ownership of taken.positions) {
    if (!ownership.alive) continue
    const { lane, partition, epoch, mark } = ownership
    fences.push({ queue: lane.actor.name, partition, epoch, nextOffset: taken.isWhole ? mark.next : 0 })
  }
  return {
    batch: {
      number: taken.number,
      positions: fences,
      tasks: rows,
      attempts,
      steps,
      logs,
      states,
      holds,
      skips,
      commands: taken.commands.flatMap(({ command, by }) => (by === null || by.alive ? [command] : []))
    },
    outputs
  }
}
