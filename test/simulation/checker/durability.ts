/** I1, I2, I5, I6, I7, I17: nothing is lost, nothing comes from nowhere, and the journal is what was written to it. */
import type { LineOf, Row, Violation } from "../History.ts"
import { isFinal, recordIdOf, uuid } from "./Account.ts"
import type { Account } from "./Account.ts"

/** I1: whatever was taken ends, and an event is kept whole or not at all. */
export const nothingIsLost = ({ run, history, topics, records }: Account): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  const at = history.length - 1
  const tasks = new Map(run.end.tasks.map((task) => [task.id, task]))
  for (const [task, { queue, record }] of records) {
    const row = tasks.get(task)
    if (row === undefined || !isFinal(row.state)) {
      found.push({ invariant: "I1", at, detail: `${queue} ${recordIdOf(record)} is ${row?.state ?? "nowhere"}` })
    }
  }
  const stands = new Set((topics.get("in") ?? []).map(recordIdOf))
  const posted = new Map<number, LineOf<"submit" | "send">>()
  const kept = new Set(run.end.events.map(({ id }) => id))
  const waits = new Set(run.end.schedules.filter(({ nextAt }) => nextAt !== null).map(({ id }) => id))
  for (let index = 0; index < history.length; index++) {
    const line = history[index]!
    if (line.k === "submit" || line.k === "send") posted.set(line.call, line)
    if (line.k === "sent" && line.how === "ok") {
      for (const { id } of posted.get(line.call)!.events) {
        if (!stands.has(id))
          found.push({ invariant: "I1", at: index, detail: `record ${id} was acknowledged and is gone` })
      }
    }
    if (line.k === "submitted" && line.how === "ok") {
      for (const { id } of posted.get(line.call)!.events) {
        if (!kept.has(id))
          found.push({ invariant: "I1", at: index, detail: `event ${id} was acknowledged and is gone` })
      }
    }
  }
  for (const id of kept) {
    if (!stands.has(id) && !waits.has(`event:${id}`)) {
      found.push({ invariant: "I1", at, detail: `event ${id} is kept without its record` })
    }
  }
  for (const record of topics.get("in") ?? []) {
    const id = recordIdOf(record)
    if (record.headers["ce_source"] === "/postroom/api" && !kept.has(id)) {
      found.push({ invariant: "I1", at: record.index, detail: `record ${id} stands without its event` })
    }
  }
  return found
}

/** The number in a record's value; null where there is none. */
const numberOf = (value: Uint8Array | null): number | null => {
  const found = value === null ? null : /"n":(\d+)/.exec(Buffer.from(value).toString("latin1"))
  return found === null ? null : Number(found[1])
}

/** I2: what was refused, or never taken, is never done. */
export const nothingComesFromNowhere = ({ history, attempts, topics }: Account): ReadonlyArray<Violation> => {
  const maybe = new Map<string, Set<number>>()
  const sure = new Map<string, Set<number>>()
  const posted = new Map<number, LineOf<"submit" | "send">>()
  const note = (into: Map<string, Set<number>>, id: string, n: number) => {
    const all = into.get(id)
    if (all === undefined) into.set(id, new Set([n]))
    else all.add(n)
  }
  for (const line of history) {
    if (line.k === "submit" || line.k === "send") posted.set(line.call, line)
    if (line.k === "submitted" || line.k === "sent") {
      const { events } = posted.get(line.call)!
      for (const [i, { id, n }] of events.entries()) {
        const isRefused =
          line.how === "fail" || (line.k === "submitted" && line.how === "ok" && line.answers[i] === "conflict")
        if (!isRefused) note(maybe, id, n)
        else note(sure, id, n)
      }
    }
  }
  // Calls without an answer may have been taken.
  const answered = new Set(history.flatMap((line) => (line.k === "submitted" || line.k === "sent" ? [line.call] : [])))
  for (const [call, { events }] of posted) if (!answered.has(call)) for (const { id, n } of events) note(maybe, id, n)
  const found: Array<Violation> = []
  for (const { id, n, from, queue } of attempts) {
    if (queue === "ingest" && sure.get(id)?.has(n) === true && maybe.get(id)?.has(n) !== true) {
      found.push({ invariant: "I2", at: from, detail: `${id} with ${n} was refused and is done` })
    }
  }
  for (const record of topics.get("in") ?? []) {
    const id = recordIdOf(record)
    const n = numberOf(record.value)
    if (n !== null && sure.get(id)?.has(n) === true && maybe.get(id)?.has(n) !== true) {
      found.push({ invariant: "I2", at: record.index, detail: `${id} with ${n} was refused and stands in the topic` })
    }
    if (sure.has(id) && !maybe.has(id)) {
      found.push({ invariant: "I2", at: record.index, detail: `${id} was refused and stands in the topic` })
    }
  }
  return found
}

/** I5, I6, I7: positions never pass what has no row, never go back, and only the newest owner writes. */
export const onlyOwnersWrite = ({ history, topics, run }: Account): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  const rows = new Set<string>()
  const epochs = new Map<string, number>()
  const positions = new Map<string, number>()
  const told = new Map<string, number>()
  /** Where each lease has its owner read on, and by which of its leases a process owns a partition: an answer may be late. */
  const leased = new Map<string, number>()
  const owned = new Map<string, number>()
  const topicOf = new Map(run.facts.queues.map(({ name, topic }) => [name, topic]))
  const logs = new Map<string, Array<string>>()
  const fill = (topic: string) => {
    for (const record of topics.get(topic) ?? []) {
      const slot = `${topic} ${record.partition}`
      const log = logs.get(slot) ?? []
      logs.set(slot, log)
      log[record.offset] = recordIdOf(record)
    }
  }
  for (const topic of new Set(topicOf.values())) fill(topic)
  const check = (queue: string, partition: number, from: number, to: number, at: number, what: string) => {
    const log = logs.get(`${topicOf.get(queue)} ${partition}`) ?? []
    for (let offset = from; offset < to; offset++) {
      const id = log[offset]
      if (id !== undefined && rows.has(uuid(`${queue}\n${id}`))) continue
      // A copy in another partition that is still to be read will get the row.
      const isCopied = (topics.get(topicOf.get(queue)!) ?? []).some(
        (copy) =>
          copy.partition !== partition &&
          copy.offset >= (positions.get(`${queue} ${copy.partition}`) ?? 0) &&
          recordIdOf(copy) === id
      )
      if (isCopied) continue
      found.push({ invariant: "I5", at, detail: `${what} of ${queue}/${partition} passes ${offset}, which has no row` })
      return
    }
  }
  for (let at = 0; at < history.length; at++) {
    const line = history[at]!
    if (line.k === "commit" && line.stale.length === 0) {
      for (const { id } of line.tasks) rows.add(id)
      const covered = new Set<string>()
      for (const { queue, partition, epoch, nextOffset } of line.positions) {
        const slot = `${queue} ${partition}`
        covered.add(slot)
        if (epochs.get(slot) !== epoch) {
          found.push({
            invariant: "I7",
            at,
            detail: `a write of epoch ${epoch} to ${slot}, which is at ${epochs.get(slot)}`
          })
        }
        const before = positions.get(slot) ?? 0
        if (nextOffset > before) {
          check(queue, partition, before, nextOffset, at, "the position")
          positions.set(slot, nextOffset)
        }
      }
      for (const { queue, partition, id } of line.tasks) {
        if (!covered.has(`${queue} ${partition}`)) {
          found.push({
            invariant: "I7",
            at,
            detail: `the row of ${id} came without the fence of ${queue}/${partition}`
          })
        }
      }
    } else if (line.k === "lease") {
      const slot = `${line.queue} ${line.partition}`
      if (line.epoch <= (epochs.get(slot) ?? 0)) {
        found.push({
          invariant: "I7",
          at,
          detail: `the lease of ${slot} has epoch ${line.epoch} after ${epochs.get(slot)}`
        })
      }
      epochs.set(slot, line.epoch)
      leased.set(`${slot} ${line.epoch}`, line.nextOffset)
      if (line.nextOffset !== (positions.get(slot) ?? 0)) {
        found.push({
          invariant: "I6",
          at,
          detail: `the lease of ${slot} says ${line.nextOffset}, the writes say ${positions.get(slot) ?? 0}`
        })
      }
    } else if (line.k === "owns") {
      owned.set(`${line.p} ${line.queue} ${line.partition}`, line.epoch)
    } else if (line.k === "seek") {
      const slot = `${line.queue} ${line.partition}`
      if (line.offset !== leased.get(`${slot} ${owned.get(`${line.p} ${slot}`)}`)) {
        found.push({ invariant: "I6", at, detail: `${line.p} reads ${slot} from ${line.offset}` })
      }
    } else if (line.k === "told") {
      const slot = `${line.queue} ${line.partition}`
      const before = told.get(slot) ?? 0
      if (line.offset <= before) continue
      check(line.queue, line.partition, before, line.offset, at, "what the broker is told")
      told.set(slot, line.offset)
    }
  }
  return found
}

const sameRow = (a: Row, b: Row): boolean =>
  a.state === b.state &&
  a.attempt === b.attempt &&
  a.offset === b.offset &&
  a.partition === b.partition &&
  a.reason === b.reason

/** I17: the journal at the end is what the writes make of it, and every flow has ended as often as it was called for. */
export const journalIsWhatWasWritten = ({ history, run, topics, scattered }: Account): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  const tasks = new Map<string, Row>()
  const at = history.length - 1
  for (const line of history) {
    if (line.k === "commit" && line.stale.length === 0) {
      for (const row of line.tasks) {
        const before = tasks.get(row.id)
        if (before !== undefined && isFinal(before.state)) continue
        tasks.set(row.id, before === undefined ? row : { ...row, partition: before.partition, offset: before.offset })
      }
    } else if (line.k === "opApplied" && line.op === "retry" && line.answer) {
      const before = tasks.get(line.target)
      if (before === undefined || !isFinal(before.state)) {
        found.push({ invariant: "I17", at, detail: `${line.target} was retried as ${before?.state}` })
      } else tasks.set(line.target, { ...before, state: "queued", attempt: 0, reason: null })
    }
  }
  for (const row of run.end.tasks) {
    const expected = tasks.get(row.id)
    const same =
      expected !== undefined && (sameRow(row, expected) || (row.state === "queued" && expected.state === "queued"))
    if (!same) {
      found.push({
        invariant: "I17",
        at,
        detail: `${row.id} stands as ${row.state} ${row.attempt}, written was ${expected?.state} ${expected?.attempt}`
      })
    }
  }
  if (run.end.tasks.length !== tasks.size) {
    found.push({ invariant: "I17", at, detail: `${run.end.tasks.length} rows stand, ${tasks.size} were written` })
  }
  const isQuiet = history.some(({ k }) => k === "quiet")
  if (!isQuiet) return found
  const flows = new Map<string, { expected: number; ended: number }>()
  const records = new Set((topics.get("in") ?? []).map(recordIdOf))
  for (const { id, awaits } of run.end.events) if (records.has(id)) flows.set(id, { expected: awaits, ended: 0 })
  for (const { flow, emitted, state } of run.end.tasks) {
    const one = flow === null ? undefined : flows.get(flow)
    if (one === undefined) continue
    one.expected += emitted
    if (isFinal(state)) one.ended++
  }
  for (const { flow } of run.end.skips) {
    const one = flows.get(flow)
    if (one !== undefined) one.expected--
  }
  for (const { id, flow } of run.end.tasks) if (flow !== null && scattered.has(id)) flows.delete(flow)
  for (const [id, { expected, ended }] of flows) {
    if (ended !== expected)
      found.push({ invariant: "I17", at, detail: `flow ${id} waits for ${expected} tasks and has ${ended}` })
  }
  return found
}
