/** Rows and batches for tests of the journal, with everything a test does not speak of filled in. */
import type { Batch } from "../../src/journal/Journal.ts"
import type { Task } from "../../src/domain/Task.ts"
import { uuidOf } from "../../src/domain/ids.ts"

const encoder = new TextEncoder()

export const bytes = (text: string): Uint8Array => encoder.encode(text)

/** A queued task of `queue`, partition 0; its id is made of queue and offset. */
export const taskRow = (of: Partial<Task> & Pick<Task, "queue" | "offset">): Task => ({
  id: uuidOf(`${of.queue} ${of.partition ?? 0} ${of.offset}`),
  partition: 0,
  user: "ann",
  type: "test",
  flow: null,
  priority: "medium",
  state: "queued",
  attempt: 0,
  crashes: 0,
  emitted: 0,
  queuedAt: 1_000,
  startedAt: null,
  endedAt: null,
  notBefore: null,
  reason: null,
  result: null,
  progress: null,
  record: { key: bytes("ann"), value: bytes(`{"n":${of.offset}}`), headers: { ce_id: String(of.offset) } },
  ...of
})

/** The row of a task that has succeeded, as the runtime writes it: without its bytes. */
export const succeeded = (task: Task, more: Partial<Task> = {}): Task => ({
  ...task,
  state: "succeeded",
  attempt: 1,
  startedAt: 2_000,
  endedAt: 3_000,
  record: null,
  ...more
})

let batches = 0

export const batchOf = (parts: Partial<Batch>): Batch => ({
  number: ++batches,
  positions: [],
  tasks: [],
  attempts: [],
  steps: [],
  logs: [],
  states: [],
  holds: [],
  skips: [],
  commands: [],
  ...parts
})
