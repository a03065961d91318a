/**
 * How soon after a fault work went on, per partition that it touched, read
 * from what the attempts and the client wrote down. After a kill or a stop of
 * a worker: until another process starts a task of a partition that it was
 * working on. After all else: until a task starts that was posted after it.
 * And, after a kill or a stop, per user that the worker was serving: until the
 * next start of whose task was cut off or waited. Faults of workers that meet
 * others are told apart: what is dealt to one that is frozen waits until that
 * is seen, and who took over may be struck in turn.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import * as path from "node:path"
import { readWishes } from "./checkOperators.ts"
import { eachLine } from "./lines.ts"

export interface Spread {
  /** Partitions or users that were touched, over all faults of the kind. */
  readonly n: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** By kind of fault, ms. */
export interface Recoveries {
  readonly partitions: Readonly<Record<string, Spread>>
  readonly users: Readonly<Record<string, Spread>>
}

interface Struck {
  readonly kind: string
  readonly pids: ReadonlyArray<number>
  readonly from: number
  readonly until: number
}

/** What stands behind the kind of a fault that met another. */
export const besideAnother = "+"

/** A start of `tally`: which event of its user's, when, by which process, when its event was acknowledged, and when the handler ended, if it did. */
interface Start {
  readonly seq: number
  readonly at: number
  readonly pid: number
  readonly postedAt: number
  endedAt: number
}

export const spreadOf = (times: ReadonlyArray<number>): Spread => {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN)
  return { n: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) }
}

/** Index of the first start after `at`. */
const after = (starts: ReadonlyArray<Start>, at: number): number => {
  let [low, high] = [0, starts.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (starts[middle]!.at > at) high = middle
    else low = middle + 1
  }
  return low
}

const readStarts = (records: string, partitionOf: ReadonlyMap<string, number>) => {
  const posted = new Map<string, Array<number>>()
  eachLine(path.join(records, "acknowledged.log"), ([, user, seq, at]) => {
    const list = posted.get(user!) ?? []
    list[Number(seq)] = Number(at)
    posted.set(user!, list)
  })
  const partitions = new Map<number, Array<Start>>()
  const users = new Map<string, Array<Start>>()
  eachLine(path.join(records, "attempts.log"), ([kind, user, seq, at, pid]) => {
    const partition = partitionOf.get(user!)
    if (partition === undefined) return
    const list = users.get(user!) ?? []
    if (kind === "E") {
      const begun = list.findLast((start) => start.pid === Number(pid))
      if (begun !== undefined) begun.endedAt = Number(at)
      return
    }
    const start = {
      seq: Number(seq),
      at: Number(at),
      pid: Number(pid),
      postedAt: posted.get(user!)?.[Number(seq)] ?? Number.POSITIVE_INFINITY,
      endedAt: Number.POSITIVE_INFINITY
    }
    list.push(start)
    users.set(user!, list)
    const all = partitions.get(partition) ?? []
    all.push(start)
    partitions.set(partition, all)
  })
  for (const list of [...partitions.values(), ...users.values()]) list.sort((a, b) => a.at - b.at)
  return { partitions, users }
}

/** Whose process is to be gone for work to have gone on. */
const byAnother: ReadonlySet<string> = new Set(["worker", "stop", "leave"])

/** For so long after a fault of a worker another one meets it, ms: what is frozen is seen to be after 10 s. */
const meetsMs = (kind: string) => (kind === "stop" ? 10_500 : 2_000)

const meets = (one: Struck, other: Struck): boolean =>
  other !== one &&
  byAnother.has(other.kind) &&
  other.pids.length > 0 &&
  other.from < one.from + meetsMs(one.kind) &&
  (other.kind === "worker" ? other.from : other.until) > one.from

/** How long a user whom one of `pids` served at `from` went without a start, where something of theirs was to be done. */
const gapOf = (starts: ReadonlyArray<Start>, pids: ReadonlyArray<number>, from: number): number | null => {
  const next = after(starts, from)
  const before = starts[next - 1]
  if (before === undefined || !pids.includes(before.pid)) return null
  // What had ended before and runs once more was retried by an operator, whenever that was.
  const ended = new Set(starts.slice(0, next).flatMap(({ seq, endedAt }) => (endedAt <= from ? [seq] : [])))
  // What was posted later was not waiting: a user whose one task was cancelled with its process has no gap.
  const again = starts
    .slice(next)
    .find(({ pid, seq, postedAt }) => !pids.includes(pid) && !ended.has(seq) && postedAt < from)
  return again === undefined ? null : again.at - from
}

/** From the tables at `url` (which user is in which partition) and the files of `records`. */
export const recoveriesOf = (url: string, records: string) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const rows = yield* sql<{ user: string; partition: number }>`
      SELECT DISTINCT t.user_key AS user, t.partition FROM task t JOIN queue q ON q.id = t.queue WHERE q.name = 'tally'`
    const { partitions, users } = readStarts(records, new Map(rows.map(({ user, partition }) => [user, partition])))
    const { pauses } = readWishes(records)
    /** Whoever is paused by an operator meanwhile waits for the operator. */
    const isPaused = (user: string, from: number, until: number) =>
      [...(pauses.get(user) ?? []), ...(pauses.get("queue:tally") ?? [])].some(
        (span) => span.from < until && span.until > from
      )
    const times = new Map<string, Array<number>>()
    const gaps = new Map<string, Array<number>>()
    const struck: Array<Struck> = []
    eachLine(path.join(records, "faults.log"), (words) => void struck.push(JSON.parse(words.join(" ")) as Struck))
    for (const one of struck) {
      const { pids, from } = one
      const isMet = byAnother.has(one.kind) && struck.some((other) => meets(one, other))
      const kind = isMet ? one.kind + besideAnother : one.kind
      const list = times.get(kind) ?? []
      times.set(kind, list)
      if (byAnother.has(one.kind)) {
        const all = gaps.get(kind) ?? []
        gaps.set(kind, all)
        for (const [user, starts] of users) {
          const gap = gapOf(starts, pids, from)
          if (gap !== null && !isPaused(user, from, from + gap)) all.push(gap)
        }
      }
      for (const partition of partitions.values()) {
        const next = after(partition, from)
        const before = partition[next - 1]
        if (before === undefined) continue
        if (byAnother.has(one.kind)) {
          if (!pids.includes(before.pid)) continue
          const again = partition.slice(next).find(({ pid }) => !pids.includes(pid))
          if (again !== undefined) list.push(again.at - from)
        } else {
          const again = partition
            .slice(next)
            .find(({ postedAt }) => postedAt > from && postedAt !== Number.POSITIVE_INFINITY)
          if (again !== undefined) list.push(again.at - from)
        }
      }
    }
    const spreads = (byKind: ReadonlyMap<string, ReadonlyArray<number>>) =>
      Object.fromEntries([...byKind].map(([kind, list]) => [kind, spreadOf(list)]))
    return { partitions: spreads(times), users: spreads(gaps) }
  }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(url) })))
