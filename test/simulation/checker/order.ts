/** I3, I4, I8: one at a time, in the order of the log, beside each other otherwise, and every effect once. */
import type { Violation } from "../History.ts"
import { isFinal, keyText, leaseOf, recordIdOf, uuid } from "./Account.ts"
import type { Account, Attempt } from "./Account.ts"

/** Where a task stands in its partition, and whether an operator moved it behind others. */
const placesOf = ({ records, asked, rows }: Account) => {
  const redriven = new Set(
    [...asked].filter(([, all]) => all.some(({ op, answer }) => op === "retry" && answer)).map(([id]) => id)
  )
  const offsetOf = (task: string): number => rows.get(task)?.[0]?.row.offset ?? records.get(task)?.record.offset ?? -1
  return { redriven, offsetOf }
}

/** Whether an attempt began when its task had ended with a later owner: who goes on after a loss cannot know. */
const endedElsewhere =
  ({ rows, leases }: Account) =>
  ({ task, queue, partition, epoch, from }: Attempt): boolean => {
    const next = leases.get(leaseOf(queue, partition, epoch + 1))
    const end = rows.get(task)?.find(({ row }) => isFinal(row.state))
    return next !== undefined && end !== undefined && next < end.index && end.index < from
  }

/** I3. */
export const oneAtATimeInOrder = (account: Account): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  const { redriven, offsetOf } = placesOf(account)
  const isOver = endedElsewhere(account)
  const byKey = new Map<string, Array<Attempt>>()
  for (const attempt of account.attempts) {
    const partition = account.rows.get(attempt.task)?.[0]?.row.partition ?? attempt.partition
    if (attempt.user === "") continue
    // A record whose copies stand in several partitions belongs to none of their orders.
    const key = `${attempt.queue} ${partition} ${attempt.user}`
    const all = byKey.get(key)
    if (all === undefined) byKey.set(key, [attempt])
    else all.push(attempt)
  }
  const { scattered } = account
  for (const [key, all] of byKey) {
    let first = -1
    const seen = new Set<string>()
    const last = new Map<string, Attempt>()
    const highest = new Map<string, number>()
    for (const attempt of all) {
      const { task, epoch, p, from } = attempt
      if (scattered.has(task)) continue
      const owner = `${p} ${epoch}`
      const before = last.get(owner)
      if (before !== undefined && before.to > from) {
        found.push({
          invariant: "I3",
          at: from,
          detail: `${key}: ${attempt.id} starts while ${before.id} runs in ${p}`
        })
      }
      last.set(owner, attempt)
      if (redriven.has(task)) continue
      const offset = offsetOf(task)
      if (!seen.has(task)) {
        seen.add(task)
        if (offset < first && !isOver(attempt))
          found.push({ invariant: "I3", at: from, detail: `${key}: ${attempt.id} at ${offset} starts after ${first}` })
        first = Math.max(first, offset)
      }
      const most = highest.get(owner) ?? -1
      if (offset < most) {
        found.push({
          invariant: "I3",
          at: from,
          detail: `${key}: ${attempt.id} at ${offset} starts again after ${most} in ${p}`
        })
      }
      highest.set(owner, Math.max(most, offset))
    }
  }
  for (let index = 0; index < account.history.length; index++) {
    const line = account.history[index]!
    if (line.k !== "release") continue
    const runs = account.attempts.find(
      (one) =>
        one.from < index &&
        one.to > index &&
        one.p === line.p &&
        one.queue === line.queue &&
        one.partition === line.partition &&
        one.epoch === line.epoch &&
        !scattered.has(one.task)
    )
    if (runs !== undefined) {
      found.push({
        invariant: "I3",
        at: index,
        detail: `${line.queue}/${line.partition} is given back while ${runs.id} runs`
      })
    }
  }
  return found
}

/** Mailboxes whose records stand in several partitions: they have no common order, and no state of their own. */
const tornKeys = ({ records }: Account): Set<string> => {
  const places = new Map<string, number>()
  const torn = new Set<string>()
  for (const { queue, record } of records.values()) {
    const slot = `${queue}\n${keyText(record.key)}`
    const before = places.get(slot)
    if (before !== undefined && before !== record.partition) torn.add(slot)
    places.set(slot, record.partition)
  }
  return torn
}

/** I4: where nothing fails and nobody pauses, users do not wait for each other. */
export const usersRunBesideEachOther = ({ run, history, attempts, rows }: Account): ReadonlyArray<Violation> => {
  const { facts } = run
  if (facts.faults.size > 0 || facts.workers !== 1) return []
  if (history.some(({ k }) => k === "op" || k === "dead")) return []
  const found: Array<Violation> = []
  /** When reading of a partition began: before, its users wait for that. */
  const readFrom = new Map<string, number>()
  for (const line of history) {
    if (line.k !== "seek") continue
    const place = `${line.queue} ${line.partition}`
    if (!readFrom.has(place)) readFrom.set(place, line.t)
  }
  for (const queue of facts.queues) {
    const mine = attempts.filter((attempt) => attempt.queue === queue.name)
    for (const attempt of mine) {
      // While it runs for long, what could run has to run.
      if (attempt.until - attempt.at < 100) continue
      const beside = new Set(
        mine.filter((other) => other.from < attempt.to && other.to > attempt.from).map(({ user, task }) => user || task)
      )
      const waiting = [...rows.values()].flatMap((all) => {
        const { row } = all[0]!
        const isRun = all.every((one) => one.row.state !== "invalid" && one.row.state !== "cancelled")
        const since = Math.max(row.queuedAt - facts.epoch, readFrom.get(`${row.queue} ${row.partition}`) ?? Infinity)
        return isRun && row.queue === queue.name && since < attempt.at - 50 ? [row] : []
      })
      const users = new Set(
        waiting
          .filter(({ id }) => !mine.some((other) => other.task === id && other.at < attempt.until))
          .map(({ user, id }) => user ?? id)
      )
      const idle = [...users].filter((user) => !beside.has(user))
      const isAlone = !mine.some(
        (other) => other !== attempt && other.at < attempt.until && other.until > attempt.at + 60
      )
      if (idle.length > 0 && isAlone && queue.concurrency > 1 && attempt.until - attempt.at > 200) {
        found.push({
          invariant: "I4",
          at: attempt.from,
          detail: `${queue.name}: ${attempt.id} runs alone while ${idle.join()} wait`
        })
        break
      }
    }
  }
  return found
}

/** I8: stored steps are not called again, an end is handed on once, and every success counts once. */
export const effectsHappenOnce = (account: Account): ReadonlyArray<Violation> => {
  const { history, topics, run, records } = account
  const found: Array<Violation> = []
  const stored = new Map<string, number>()
  const begun = new Map<number, number>()
  const final = new Map<string, number>()
  for (let at = 0; at < history.length; at++) {
    const line = history[at]!
    if (line.k === "commit" && line.stale.length === 0) {
      for (const { task, name } of line.steps) if (!stored.has(`${task} ${name}`)) stored.set(`${task} ${name}`, at)
      for (const { id, state } of line.tasks) if (isFinal(state) && !final.has(id)) final.set(id, at)
    } else if (line.k === "opApplied" && line.op === "retry" && line.answer) final.delete(line.target)
    else if (line.k === "start") begun.set(line.run, at)
    else if (line.k === "call") {
      const since = stored.get(`${line.task} ${line.step}`)
      if (since !== undefined && since < begun.get(line.run)!) {
        found.push({
          invariant: "I8",
          at,
          detail: `step ${line.step} of ${line.task} is called although its result is stored`
        })
      }
    }
  }
  const { scattered } = account
  const torn = tornKeys(account)
  for (const id of scattered) torn.add(`${records.get(id)!.queue}\n${keyText(records.get(id)!.record.key)}`)
  const handed = new Map<string, number>()
  for (const record of topics.get("mid") ?? [])
    handed.set(recordIdOf(record), (handed.get(recordIdOf(record)) ?? 0) + 1)
  for (const row of run.end.tasks) {
    if (row.queue !== "ingest") continue
    const count = handed.get(uuid(`${row.id}\n0`)) ?? 0
    const attempt = account.byTask.get(row.id)?.[0]
    // A producer that sends one id into two partitions at once may have it done in both.
    if (scattered.has(row.id)) continue
    const hands = row.state === "succeeded" && attempt?.kind !== "stubborn" ? 1 : 0
    // A call that took effect after its caller had given it up may have been repeated; readers drop that by its id.
    if (count !== hands && !(run.facts.faults.has("late") && hands === 1 && count > 1)) {
      found.push({
        invariant: "I8",
        at: history.length - 1,
        detail: `${row.id} is ${row.state} and was handed on ${count} times`
      })
    }
  }
  const counts = new Map<string, Array<{ offset: number; result: string | null; state: string }>>()
  for (const row of run.end.tasks) {
    const kind = account.byTask.get(row.id)?.[0]?.kind
    if ((kind !== "count" && kind !== "gated") || row.state !== "succeeded" || row.user === null) continue
    const slot = `${row.queue}\n${keyText(records.get(row.id)?.record.key ?? null)}`
    if (torn.has(slot)) continue
    const all = counts.get(slot)
    const one = { offset: row.offset, result: row.result, state: row.state }
    if (all === undefined) counts.set(slot, [one])
    else all.push(one)
  }
  const states = new Map(run.end.states.filter(([, name]) => name === "count").map(([slot, , value]) => [slot, value]))
  for (const [slot, all] of counts) {
    if (Number(states.get(slot) ?? 0) !== all.length) {
      found.push({
        invariant: "I8",
        at: history.length - 1,
        detail: `${JSON.stringify(slot)} counts ${states.get(slot)} after ${all.length} successes`
      })
    }
    const results = all.map(({ result }) => Number(result)).sort((a, b) => a - b)
    if (results.some((result, i) => result !== i + 1)) {
      found.push({
        invariant: "I8",
        at: history.length - 1,
        detail: `${JSON.stringify(slot)} counted ${results.join()}`
      })
    }
  }
  return found
}

/** I8, the other half: what has ended is not done again by who came after. */
export const endedIsEnded = ({ attempts, rows, asked, scattered, leases }: Account): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  for (const attempt of attempts) {
    if (scattered.has(attempt.task)) continue
    const leased = leases.get(leaseOf(attempt.queue, attempt.partition, attempt.epoch))
    if (leased === undefined || asked.get(attempt.task)?.some(({ op, answer }) => op === "retry" && answer) === true)
      continue
    const end = rows.get(attempt.task)?.find(({ row }) => isFinal(row.state))
    if (end !== undefined && end.index < leased) {
      found.push({
        invariant: "I8",
        at: attempt.from,
        detail: `${attempt.queue} ${attempt.id} starts although it had ended as ${end.row.state} before the lease`
      })
    }
  }
  return found
}
