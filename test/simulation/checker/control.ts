/** I9, I10, I11: states go forward, a pause holds and a cancel is kept, by what each process was told. */
import type { LineOf, Row, Violation } from "../History.ts"
import { isFinal } from "./Account.ts"
import type { Account } from "./Account.ts"

const refused = (before: Row, after: Row): string | null => {
  if (before.state === "queued" && after.attempt < before.attempt)
    return `attempt ${before.attempt} became ${after.attempt}`
  if (after.attempt < before.attempt - 1) return `attempt ${before.attempt} became ${after.attempt}`
  if (after.crashes < before.crashes) return `${before.crashes} crashes became ${after.crashes}`
  return null
}

/** I9: the rows of a task follow the life of a task, for the log of changes and for every reader. */
export const statesGoForward = ({ history, scattered }: Account): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  const stands = new Map<string, Row>()
  const seen = new Map<string, string>()
  for (let at = 0; at < history.length; at++) {
    const line = history[at]!
    if (line.k === "commit" && line.stale.length === 0) {
      for (const row of line.tasks) {
        if (scattered.has(row.id)) continue
        const before = stands.get(row.id)
        // What comes after an end is left aside by the store; that it is, the last state shows.
        if (before !== undefined && isFinal(before.state)) continue
        const why = before === undefined ? null : refused(before, row)
        if (why !== null)
          found.push({
            invariant: "I9",
            at,
            detail: `${row.queue} ${row.id}: ${before!.state} to ${row.state}, ${why}`
          })
        stands.set(row.id, row)
      }
    } else if (line.k === "opApplied" && line.op === "retry" && line.answer) {
      const before = stands.get(line.target)
      if (before !== undefined) stands.set(line.target, { ...before, state: "queued", attempt: 0, crashes: 0 })
      seen.delete(line.target)
    } else if (line.k === "seen") {
      const before = seen.get(line.task)
      if (before !== undefined && isFinal(before) && before !== line.state) {
        found.push({ invariant: "I9", at, detail: `a reader saw ${line.task} as ${before} and then as ${line.state}` })
      }
      seen.set(line.task, line.state)
    }
  }
  return found
}

interface Knowledge {
  /** Index of the last read of the controls it has the answer of; -1 before the first. */
  read: number
  /** When it got it. */
  got: number
}

/** What each process knew of the controls, by index: the read whose answer it had. */
const makeKnowledge = () => {
  const reads = new Map<number, number>()
  const knows = new Map<string, Knowledge>()
  return {
    follow: (line: Account["history"][number], at: number) => {
      if (line.k === "controlsRead") reads.set(line.look, at)
      if (line.k === "controlsKnown") {
        const read = reads.get(line.look) ?? -1
        const before = knows.get(line.p)
        if (before === undefined || read > before.read) knows.set(line.p, { read, got: at })
      }
    },
    of: (p: string): Knowledge => knows.get(p) ?? { read: -1, got: -1 }
  }
}

/** How late an attempt may be that was decided upon before the pause was known, ms. */
const decidedMs = 1_500

/** How long a process may take to carry out what it was told, ms: the commands of one look are done one by one. */
export const carriedOutMs = 300

/** Whether a start was journalled before it, so shortly that it was decided upon then. */
export const wasDecided = ({ rows, history }: Account, start: LineOf<"start">, at: number): boolean => {
  const wrote = rows.get(start.task)?.findLast(({ index, row }) => index < at && row.state === "in_progress")
  return wrote !== undefined && start.t - history[wrote.index]!.t < decidedMs
}

/** How soon a pause is known where nothing fails, ms: a look every second, and the ways. */
const boundMs = 1_100

/** I10. */
export const pausesHold = ({ history, run }: Account): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  const queues = new Map<string, { at: number; t: number }>()
  const keys = new Map<string, { at: number; t: number }>()
  const knowledge = makeKnowledge()
  const isCalm = run.facts.faults.size === 0
  const journalled = new Map<string, number>()
  for (let at = 0; at < history.length; at++) {
    const line = history[at]!
    knowledge.follow(line, at)
    if (line.k === "opApplied") {
      if (line.op === "pauseQueue" && !queues.has(line.target)) queues.set(line.target, { at, t: line.t })
      else if (line.op === "resumeQueue") queues.delete(line.target)
      else if (line.op === "pauseKey" && !keys.has(line.target)) keys.set(line.target, { at, t: line.t })
      else if (line.op === "resumeKey") keys.delete(line.target)
    } else if (line.k === "commit") {
      for (const { id, state } of line.tasks) if (state === "in_progress") journalled.set(id, line.t)
    } else if (line.k === "start") {
      const known = knowledge.of(line.p)
      if (known.read === -1) {
        found.push({ invariant: "I10", at, detail: `${line.p} starts ${line.id} and has never seen what is paused` })
        continue
      }
      for (const pause of [queues.get(line.queue), line.user === "" ? undefined : keys.get(line.user)]) {
        if (pause === undefined) continue
        const isLate = isCalm && line.t > pause.t + boundMs
        // One that was journalled before its start was decided upon then.
        const decided = journalled.get(line.task)
        if (decided !== undefined && line.t - decided < decidedMs) continue
        if (isLate || (known.read > pause.at && known.got < at)) {
          found.push({
            invariant: "I10",
            at,
            detail: `${line.p} starts ${line.id} of ${line.queue} although it knows of the pause`
          })
        }
      }
    }
  }
  return found
}

/** I11. */
export const cancelsAreKept = (account: Account): ReadonlyArray<Violation> => {
  const { history, run, asked, byTask, rows, scattered } = account
  const found: Array<Violation> = []
  const wanted = new Map<string, number>()
  for (const [task, all] of asked) {
    if (all.some(({ op, answer }) => op === "retry" && answer)) continue
    const first = all.find(({ op, answer }) => op === "cancel" && answer)
    // Of a record that stands in several partitions each copy has its owner, and one of them carries the wish out.
    if (first !== undefined && !scattered.has(task)) wanted.set(task, first.index)
  }
  if (wanted.size === 0) return found
  const knowledge = makeKnowledge()
  const learnt = new Map<string, number>()
  for (let at = 0; at < history.length; at++) {
    const line = history[at]!
    knowledge.follow(line, at)
    if (line.k === "controlsKnown") {
      for (const [task, since] of wanted) {
        const slot = `${line.p} ${task}`
        if (knowledge.of(line.p).read > since && !learnt.has(slot)) learnt.set(slot, at)
      }
    } else if (line.k === "start") {
      const since = learnt.get(`${line.p} ${line.task}`)
      // The owner has carried it out and crossed it off: who goes on after a loss cannot know. What the owner does again
      // is a breach of I8.
      const isCarriedOut = rows.get(line.task)?.some(({ index, row }) => index < at && row.state === "cancelled")
      if (
        since !== undefined &&
        line.t > history[since]!.t + carriedOutMs &&
        !wasDecided(account, line, at) &&
        isCarriedOut !== true
      ) {
        found.push({
          invariant: "I11",
          at,
          detail: `${line.p} starts ${line.queue} ${line.id} although it knows that it is cancelled`
        })
      }
    }
  }
  const tasks = new Map(run.end.tasks.map((task) => [task.id, task]))
  for (const [task, since] of wanted) {
    const row = tasks.get(task)
    if (row === undefined || row.state === "cancelled" || row.state === "invalid") continue
    const ended = rows.get(task)?.find((one) => isFinal(one.row.state))
    if (ended !== undefined && ended.index < since) continue
    // It may have been running, or ended and not yet been written, when the wish came: with whoever wrote its end, and not
    // with an owner of before who began it once more. Over whom too many workers have died ends without an attempt.
    const writer = ended === undefined ? undefined : history[ended.index]!.p
    const last = byTask.get(task)?.findLast(({ p }) => writer === undefined || p === writer)
    const by = writer ?? last?.p
    const decidedAt = last?.at ?? (ended && history[ended.index]!.t)
    const learntAt = learnt.get(`${by} ${task}`)
    const raced =
      decidedAt !== undefined &&
      (learntAt === undefined || decidedAt <= history[learntAt]!.t + carriedOutMs) &&
      last?.how !== "interrupted"
    if (!raced) {
      found.push({
        invariant: "I11",
        at: history.length - 1,
        detail: `${row.queue} ${task} is ${row.state} although its cancel was taken at ${since}`
      })
    }
  }
  return found
}
