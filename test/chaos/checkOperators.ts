/**
 * Whether what operators asked for was obeyed, as far as can be seen from
 * outside: tasks of who is paused do not start, what is cancelled neither
 * starts nor ends otherwise. A worker that cannot hear (frozen, or cut off from
 * its database) cannot obey: what starts then, and until a moment after, does
 * not count.
 */
import * as path from "node:path"
import { eachLine } from "./lines.ts"

/** From the answer to a pause until it must be obeyed everywhere: the slowest way is a look every second, ms. */
const graceMs = 3_000

interface Span {
  readonly from: number
  readonly until: number
}

/** What operators wrote down. */
export interface Wishes {
  /** By user, or `queue:<name>`. */
  readonly pauses: ReadonlyMap<string, ReadonlyArray<Span>>
  /** Tasks and flows that somebody asked to cancel. */
  readonly cancelAsked: ReadonlySet<string>
  /** Tasks that were said to be cancelled, and their steps with the moment of the answer. */
  readonly cancelled: ReadonlyMap<string, { readonly step: string; readonly at: number }>
  readonly retried: ReadonlySet<string>
  readonly counts: { readonly pauses: number; readonly cancels: number; readonly retries: number }
}

export const readWishes = (records: string): Wishes => {
  const pauses = new Map<string, Array<Span>>()
  const since = new Map<string, number>()
  const cancelAsked = new Set<string>()
  const cancelled = new Map<string, { step: string; at: number }>()
  const retried = new Set<string>()
  eachLine(path.join(records, "operators.log"), ([kind, what, ...rest]) => {
    const at = Number(rest.at(-1))
    if (kind === "paused") since.set(what!, at)
    if (kind === "resuming" && since.has(what!)) {
      pauses.set(what!, [...(pauses.get(what!) ?? []), { from: since.get(what!)!, until: at }])
      since.delete(what!)
    }
    if (kind === "cancelling") cancelAsked.add(what!)
    if (kind === "cancelled") cancelled.set(what!, { step: rest[0]!, at })
    if (kind === "retrying") retried.add(what!)
  })
  const spans = [...pauses.values()].reduce((sum, list) => sum + list.length, 0)
  const counts = { pauses: spans, cancels: cancelled.size, retries: retried.size }
  return { pauses, cancelAsked, cancelled, retried, counts }
}

/** When some worker could not hear; in order. */
const deafSpans = (records: string): ReadonlyArray<Span> => {
  const spans: Array<Span> = []
  eachLine(path.join(records, "faults.log"), (words) => {
    const fault = JSON.parse(words.join(" ")) as { kind: string; from: number; until: number }
    if (["stop", "hold", "refuse", "cut", "postgres", "backends"].includes(fault.kind)) {
      spans.push({ from: fault.from, until: fault.until + graceMs })
    }
  })
  return spans
}

/** Starts that a pause or a cancellation forbade. */
export const judgeObedience = (records: string, wishes: Wishes): { pauseBroken: number; cancelBroken: number } => {
  const deaf = deafSpans(records)
  const cancelledAt = new Map([...wishes.cancelled.values()].map(({ step, at }) => [step, at]))
  const couldHear = (from: number, until: number) => !deaf.some((span) => span.from <= until && span.until >= from)
  let pauseBroken = 0
  let cancelBroken = 0
  eachLine(path.join(records, "attempts.log"), ([kind, user, seq, text]) => {
    if (kind !== "S") return
    const at = Number(text)
    for (const spans of [wishes.pauses.get(user!), wishes.pauses.get("queue:tally")]) {
      for (const { from, until } of spans ?? []) {
        if (at > from + graceMs && at < until && couldHear(from, at)) pauseBroken++
      }
    }
    const cancelled = cancelledAt.get(`${user}:${seq}`)
    if (cancelled !== undefined && at > cancelled && couldHear(cancelled - graceMs, at)) cancelBroken++
  })
  return { pauseBroken, cancelBroken }
}
