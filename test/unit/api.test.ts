/** Pure parts of the API: times in requests, and the sentence that says why a task waits. */
import { assert, describe, it } from "@effect/vitest"
import { readInstant, readQueryInstant } from "../../src/api/instant.ts"
import { flowStatusOf } from "../../src/api/flows.ts"
import { whyOf } from "../../src/api/present.ts"
import type { Task } from "../../src/domain/Task.ts"
import type { TaskHistory } from "../../src/journal/sql/History.ts"

const task: Task = {
  id: "t",
  queue: "publisher",
  partition: 0,
  offset: 1,
  user: "anna",
  type: "post.ready",
  flow: null,
  priority: "medium",
  state: "queued",
  attempt: 1,
  crashes: 0,
  emitted: 0,
  queuedAt: 0,
  startedAt: null,
  endedAt: null,
  notBefore: null,
  reason: null,
  result: null,
  progress: null,
  record: null
}

const history = (of: Partial<Omit<TaskHistory, "task">> & { readonly task?: Partial<Task> } = {}): TaskHistory => ({
  attempts: [],
  steps: [],
  log: [],
  queuePaused: false,
  userPaused: false,
  off: null,
  behind: null,
  ...of,
  task: { ...task, ...of.task }
})

describe("a time in a request", () => {
  it("needs a zone and a real day", () => {
    assert.strictEqual(readInstant("2026-12-01T08:00:00Z"), Date.UTC(2026, 11, 1, 8))
    assert.strictEqual(readInstant("2026-12-01T08:00+02:00"), Date.UTC(2026, 11, 1, 6))
    assert.strictEqual(readInstant(undefined), null)
    for (const wrong of ["", "tomorrow", "2026-12-01", "2026-12-01T08:00:00", "2026-13-01T08:00:00Z", "1764576000"]) {
      assert.isUndefined(readInstant(wrong), wrong)
    }
  })

  it("in a query may have lost the plus sign of its zone", () => {
    assert.strictEqual(readQueryInstant("2026-12-01T08:00:00 02:00"), Date.UTC(2026, 11, 1, 6))
    assert.isUndefined(readQueryInstant("2026-12-01 08:00"))
  })
})

describe("why a task waits", () => {
  it("is the first of the reasons that holds", () => {
    const later = { notBefore: 5_000, reason: "FLOOD_WAIT_4" }
    const all = { off: "no account", queuePaused: true, userPaused: true, behind: "b", task: later }
    assert.strictEqual(whyOf(history(all), 0), "its queue is off: no account")
    assert.strictEqual(whyOf(history({ ...all, off: null }), 0), "queue publisher is paused")
    assert.strictEqual(whyOf(history({ ...all, off: null, queuePaused: false }), 0), "user anna is paused")
    assert.strictEqual(
      whyOf(history({ behind: "b", task: later }), 0),
      "waits until 1970-01-01T00:00:05.000Z: FLOOD_WAIT_4"
    )
    assert.strictEqual(whyOf(history({ behind: "b", task: later }), 5_000), "is behind task b of the same user")
    assert.strictEqual(whyOf(history(), 0), "waits for a free slot of queue publisher")
  })

  it("is nothing for a task that runs or has ended", () => {
    for (const state of ["in_progress", "succeeded", "failed", "cancelled", "invalid"] as const) {
      assert.isNull(whyOf(history({ userPaused: true, task: { state } }), 0), state)
    }
  })
})

describe("the status of a flow", () => {
  const progress = (endedBadly: number, isOver = true) => ({ flow: "f", expected: 3, ended: 3, endedBadly, isOver })
  it("is failed by one failure, and cancelled where cancels are all that went badly", () => {
    assert.strictEqual(flowStatusOf(undefined, false, 0), "queued")
    assert.strictEqual(flowStatusOf(progress(0, false), true, 0), "in_progress")
    assert.strictEqual(flowStatusOf(progress(0), true, 0), "succeeded")
    assert.strictEqual(flowStatusOf(progress(2), true, 2), "cancelled")
    assert.strictEqual(flowStatusOf(progress(2), true, 1), "failed")
  })
})
