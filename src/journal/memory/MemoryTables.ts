/**
 * The tables of a journal in memory and what a batch does to them. Plain data:
 * everything here happens at once, so a reader never sees half of a write.
 */
import type { Task } from "../../domain/Task.ts"
import { mailboxKeyOf } from "../../domain/Task.ts"
import { isFinal } from "../../domain/TaskState.ts"
import type { Schedule } from "../../domain/Schedule.ts"
import { slotOf } from "../Journal.ts"
import type {
  Acceptance,
  AttemptRow,
  Batch,
  CommandKind,
  Controls,
  LogRow,
  NewEvent,
  PendingCommand,
  QueueInfo,
  QueuePartition,
  StateRow,
  StepRow
} from "../Journal.ts"

export interface Assignment {
  epoch: number
  owner: string
  clean: boolean
  nextOffset: number
  /** The last batch of this epoch. */
  batch: number
}

export interface MemoryTables {
  readonly queues: Map<string, QueueInfo>
  readonly assignments: Map<string, Assignment>
  /** By id, in the order in which they got their rows. */
  readonly tasks: Map<string, Task>
  /** Tasks that have not ended, by partition of a queue and id: what an owner asks for. */
  readonly unfinished: Map<string, Map<string, Task>>
  readonly attempts: Map<string, AttemptRow>
  readonly steps: Map<string, Map<string, StepRow>>
  readonly logs: Map<string, LogRow>
  /** Values by name, by queue and key. */
  readonly states: Map<string, Map<string, string>>
  readonly pausedQueues: Set<string>
  /** Paused mailboxes: queue (empty for all queues) and key; who paused them. */
  readonly pausedKeys: Map<string, { readonly queue: string; readonly key: Uint8Array; readonly by: string }>
  readonly commands: Map<string, Pick<PendingCommand, "number" | "task" | "kind">>
  /** The number of the last command. */
  asked: number
  /** Flows that are to end. */
  readonly flowCancels: Set<string>
  readonly skips: Map<string, Batch["skips"][number]>
  readonly events: Map<string, NewEvent>
  readonly schedules: Map<string, Schedule>
}

export const emptyTables = (): MemoryTables => ({
  queues: new Map(),
  assignments: new Map(),
  tasks: new Map(),
  unfinished: new Map(),
  attempts: new Map(),
  steps: new Map(),
  logs: new Map(),
  states: new Map(),
  pausedQueues: new Set(),
  pausedKeys: new Map(),
  commands: new Map(),
  asked: 0,
  flowCancels: new Set(),
  skips: new Map(),
  events: new Map(),
  schedules: new Map()
})

/** How a partition of a queue is named here. */
export const partitionSlot = (of: QueuePartition): string => `${of.queue}/${of.partition}`

/** How a key of a queue is named here. */
export const keySlot = (queue: string, key: Uint8Array): string => `${queue}\n${mailboxKeyOf(key)}`

/** How a command is named here. */
export const commandSlot = (task: string, kind: CommandKind): string => `${task}\n${kind}`

const store = (tables: MemoryTables, task: Task): void => {
  tables.tasks.set(task.id, task)
  const slot = partitionSlot(task)
  let open = tables.unfinished.get(slot)
  if (open === undefined) tables.unfinished.set(slot, (open = new Map()))
  if (isFinal(task.state)) open.delete(task.id)
  else open.set(task.id, task)
}

/** Inserts a task or brings it forward; a row that has ended is left alone. Bytes stay until the task has succeeded. */
const upsert = (tables: MemoryTables, task: Task): void => {
  const before = tables.tasks.get(task.id)
  if (before !== undefined && isFinal(before.state)) return
  const record = task.state === "succeeded" ? null : (task.record ?? before?.record ?? null)
  if (before === undefined) return store(tables, { ...task, record })
  const { queue, partition, offset, user, type, flow, priority, queuedAt } = before
  store(tables, { ...task, queue, partition, offset, user, type, flow, priority, queuedAt, record })
}

/** Asks for a command; asked for again, it has another number. */
export const ask = (tables: MemoryTables, task: string, kind: CommandKind): void => {
  tables.commands.set(commandSlot(task, kind), { number: ++tables.asked, task, kind })
}

/** Compare-and-set from a bad end back to queued; false where the task is in no such state or has no bytes. */
export const redrive = (tables: MemoryTables, id: string, by: string): boolean => {
  const task = tables.tasks.get(id)
  if (task === undefined || !isFinal(task.state) || task.state === "succeeded" || task.record === null) return false
  const reason = `retried by ${by}`
  // Wishes to cancel were for the life that is over.
  tables.commands.delete(commandSlot(id, "cancel"))
  if (task.flow !== null) tables.flowCancels.delete(task.flow)
  store(tables, { ...task, state: "queued", attempt: 0, crashes: 0, endedAt: null, notBefore: null, reason })
  return true
}

const setState = (tables: MemoryTables, row: StateRow): void => {
  const slot = keySlot(row.queue, row.key)
  let values = tables.states.get(slot)
  if (values === undefined) tables.states.set(slot, (values = new Map()))
  if (row.value === null) values.delete(row.name)
  else values.set(row.name, row.value)
}

const putFirst = <K, V>(map: Map<K, V>, key: K, value: V): void => {
  if (!map.has(key)) map.set(key, value)
}

/** The positions whose epoch is not the newest: what the fence refuses. */
export const staleOf = (tables: MemoryTables, positions: Batch["positions"]): ReadonlyArray<QueuePartition> =>
  positions.filter((position) => tables.assignments.get(partitionSlot(position))?.epoch !== position.epoch)

/** Whether a batch took effect before: one of its positions has its number. */
export const isApplied = (tables: MemoryTables, { positions, number }: Batch): boolean =>
  positions.some((position) => {
    const assignment = tables.assignments.get(partitionSlot(position))
    return assignment?.epoch === position.epoch && assignment.batch === number
  })

/** Writes a batch that passed the fence. */
export const applyBatch = (tables: MemoryTables, batch: Batch): void => {
  for (const position of batch.positions) {
    const assignment = tables.assignments.get(partitionSlot(position))!
    assignment.nextOffset = Math.max(assignment.nextOffset, position.nextOffset)
    assignment.batch = batch.number
  }
  const endedBefore = (id: string): boolean => {
    const row = tables.tasks.get(id)
    return row !== undefined && isFinal(row.state)
  }
  const states = batch.states.filter(({ task }) => !endedBefore(task))
  for (const task of batch.tasks) upsert(tables, task)
  for (const row of batch.attempts) putFirst(tables.attempts, `${row.task}\n${row.number}\n${row.startedAt}`, row)
  for (const row of batch.steps) {
    let steps = tables.steps.get(row.task)
    if (steps === undefined) tables.steps.set(row.task, (steps = new Map()))
    putFirst(steps, row.name, row)
  }
  for (const row of batch.logs) putFirst(tables.logs, `${row.task}\n${row.seq}`, row)
  for (const row of states) setState(tables, row)
  for (const { queue, key, reason } of batch.holds) {
    putFirst(tables.pausedKeys, keySlot(queue, key), { queue, key, by: reason })
  }
  for (const row of batch.skips) putFirst(tables.skips, `${row.flow}\n${row.task}\n${row.offset}`, row)
  if (batch.commands.length === 0) return
  const done = new Set(batch.commands)
  for (const [slot, { number }] of tables.commands) if (done.has(number)) tables.commands.delete(slot)
}

/** Whether all tasks of a flow have ended that its event and its tasks have called for. */
export const isFlowOver = (tables: MemoryTables, flow: string): boolean => {
  const event = tables.events.get(flow)
  if (event === undefined) return true
  const tasks = [...tables.tasks.values()].filter((task) => task.flow === flow)
  const skipped = [...tables.skips.values()].filter((skip) => skip.flow === flow).length
  const expected = tasks.reduce((sum, { emitted }) => sum + emitted, event.awaits) - skipped
  return tasks.filter(({ state }) => isFinal(state)).length >= expected
}

/** What operators want, as the tables have it. */
export const controlsOf = (tables: MemoryTables): Controls => {
  const keys = [...tables.pausedKeys.values()]
  return {
    pausedQueues: new Set(tables.pausedQueues),
    pausedKeys: new Set(keys.filter(({ queue }) => queue === "").map(({ key }) => mailboxKeyOf(key))),
    pausedSlots: new Set(
      keys.filter(({ queue }) => queue !== "").map(({ queue, key }) => slotOf(queue, mailboxKeyOf(key)))
    ),
    commands: [...tables.commands.values()].map(({ number, task: id, kind }): PendingCommand => {
      const task = tables.tasks.get(id)
      const at = task === undefined ? null : { queue: task.queue, partition: task.partition, state: task.state }
      return { number, task: id, kind, at }
    }),
    cancelledFlows: new Set(tables.flowCancels)
  }
}

/** Where those of the tasks `ids` stand that have a row. */
export const knownOf = ({ tasks }: MemoryTables, ids: ReadonlyArray<string>): ReadonlyMap<string, number> =>
  new Map(ids.flatMap((id) => (tasks.has(id) ? [[id, tasks.get(id)!.offset] as const] : [])))

/** Which of these tasks and flows are still to be cancelled. */
export const askedToCancelOf = (
  { commands, flowCancels }: MemoryTables,
  tasks: ReadonlyArray<string>,
  flows: ReadonlyArray<string>
) => ({
  tasks: new Set(tasks.filter((id) => commands.has(commandSlot(id, "cancel")))),
  flows: new Set(flows.filter((flow) => flowCancels.has(flow)))
})

/** Which of posted events are new, and what is answered for each. */
export const judge = (known: ReadonlyMap<string, NewEvent>, events: ReadonlyArray<NewEvent>) => {
  const first = new Map<string, NewEvent>()
  for (const event of events) if (!first.has(event.id)) first.set(event.id, event)
  const fresh = events.filter((event) => first.get(event.id) === event && !known.has(event.id))
  const isFresh = new Set(fresh)
  const answers = events.map((event): Acceptance => {
    if (isFresh.has(event)) return "accepted"
    const kept = known.get(event.id) ?? first.get(event.id)!
    return kept.fingerprint === event.fingerprint ? "repeated" : "conflict"
  })
  return { fresh, answers }
}
