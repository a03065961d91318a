/** I11, beside control.ts: what is cancelled was to be, by itself or with its flow, and a flow that is to end begins nothing more. */
import type { Violation } from "../History.ts"
import { isFinal } from "./Account.ts"
import type { Account } from "./Account.ts"
import { carriedOutMs, wasDecided } from "./control.ts"

/** From when to when a flow was to end: an index each; a retry of one of its tasks ends the wish. */
interface Wish {
  readonly from: number
  until: number
}

const wishesOf = ({ history, run }: Account): ReadonlyMap<string, ReadonlyArray<Wish>> => {
  const flowOf = new Map(run.end.tasks.map(({ id, flow }) => [id, flow]))
  const wishes = new Map<string, Array<Wish>>()
  for (const [index, line] of history.entries()) {
    if (line.k !== "opApplied" || !line.answer) continue
    if (line.op === "cancelFlow") {
      const all = wishes.get(line.target) ?? []
      wishes.set(line.target, all)
      if (all.at(-1)?.until !== Number.POSITIVE_INFINITY) all.push({ from: index, until: Number.POSITIVE_INFINITY })
    } else if (line.op === "retry") {
      const last = wishes.get(flowOf.get(line.target) ?? "")?.at(-1)
      if (last !== undefined) last.until = Math.min(last.until, index)
    }
  }
  return wishes
}

/** I11: in each of its lives, a task is cancelled where it or its flow was to be. */
export const cancelsWereAskedFor = (account: Account): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  const { rows, asked, byTask, records, scattered } = account
  const wishes = wishesOf(account)
  for (const [task, all] of rows) {
    const isQuitter = byTask.get(task)?.some(({ kind }) => kind === "quit") === true
    if (scattered.has(task) || isQuitter) continue
    const ops = asked.get(task) ?? []
    let lifeFrom = records.get(task)?.index ?? 0
    let isOver = false
    for (const { row, index } of all) {
      const retry = ops.findLast((one) => one.op === "retry" && one.answer && one.index < index)
      if (retry !== undefined && retry.index > lifeFrom) {
        lifeFrom = retry.index
        isOver = false
      }
      // What comes after an end is left aside by the store.
      if (isOver || !isFinal(row.state)) continue
      isOver = true
      if (row.state !== "cancelled") continue
      const since = retry?.index ?? -1
      const isAsked = ops.some((one) => one.op === "cancel" && one.answer && one.index < index && one.index > since)
      const isOfFlow = wishes.get(row.flow ?? "")?.some(({ from, until }) => from < index && until > lifeFrom)
      if (isAsked || isOfFlow === true) continue
      found.push({ invariant: "I11", at: index, detail: `${row.queue} ${task} is cancelled, which nobody asked for` })
    }
  }
  return found
}

/**
 * I11, the other half. The first look of a process that sees the wish ends what was in its memory when the look began,
 * the second what came meanwhile; what comes later is ended as it comes.
 */
export const flowsAreCancelled = (account: Account): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  const { history, run } = account
  const wishes = wishesOf(account)
  if (wishes.size === 0) return found
  const flowOf = new Map(run.end.tasks.map(({ id, flow }) => [id, flow]))
  const reads = new Map<number, number>()
  /** The looks of each process, in the order in which it was told: where they were read, and when they were known. */
  const looks = new Map<string, Array<{ readonly read: number; readonly known: number }>>()
  for (const [index, line] of history.entries()) {
    if (line.k === "controlsRead") reads.set(line.look, index)
    else if (line.k === "controlsKnown") {
      const mine = looks.get(line.p) ?? []
      looks.set(line.p, mine)
      mine.push({ read: reads.get(line.look) ?? -1, known: line.t })
    } else if (line.k === "start") {
      const wish = wishes.get(flowOf.get(line.task) ?? "")?.find(({ from, until }) => from < index && until > index)
      if (wish === undefined) continue
      const second = looks.get(line.p)?.filter(({ read }) => read > wish.from)[1]
      if (second === undefined || line.t <= second.known + carriedOutMs) continue
      if (wasDecided(account, line, index)) continue
      const detail = `${line.p} starts ${line.queue} ${line.id} although it knows that its flow was cancelled`
      found.push({ invariant: "I11", at: index, detail })
    }
  }
  return found
}
