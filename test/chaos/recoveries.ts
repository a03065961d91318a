/**
 * How soon after a fault work went on, per partition that it touched, read
 * from what the attempts and the client wrote down. After a kill or a stop of
 * a worker: until another process starts a task of a partition that it was
 * working on. After all else: until a task starts that was posted after it.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import * as path from "node:path"
import { eachLine } from "./lines.ts"

export interface Spread {
  /** Partitions that were touched, over all faults of the kind. */
  readonly n: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** By kind of fault, ms. */
export type Recoveries = Readonly<Record<string, Spread>>

interface Struck {
  readonly kind: string
  readonly pids: ReadonlyArray<number>
  readonly from: number
}

/** A start of `tally`: when, by which process, and when its event was acknowledged. */
interface Start {
  readonly at: number
  readonly pid: number
  readonly postedAt: number
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
  const starts = new Map<number, Array<Start>>()
  eachLine(path.join(records, "attempts.log"), ([kind, user, seq, at, pid]) => {
    const partition = partitionOf.get(user!)
    if (kind !== "S" || partition === undefined) return
    const list = starts.get(partition) ?? []
    list.push({
      at: Number(at),
      pid: Number(pid),
      postedAt: posted.get(user!)?.[Number(seq)] ?? Number.POSITIVE_INFINITY
    })
    starts.set(partition, list)
  })
  for (const list of starts.values()) list.sort((a, b) => a.at - b.at)
  return starts
}

/** Whose process is to be gone for work to have gone on. */
const byAnother: ReadonlySet<string> = new Set(["worker", "stop"])

/** From the tables at `url` (which user is in which partition) and the files of `records`. */
export const recoveriesOf = (url: string, records: string) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const rows = yield* sql<{ user: string; partition: number }>`
      SELECT DISTINCT t.user_key AS user, t.partition FROM task t JOIN queue q ON q.id = t.queue WHERE q.name = 'tally'`
    const starts = readStarts(records, new Map(rows.map(({ user, partition }) => [user, partition])))
    const times = new Map<string, Array<number>>()
    eachLine(path.join(records, "faults.log"), (words) => {
      const { kind, pids, from } = JSON.parse(words.join(" ")) as Struck
      const list = times.get(kind) ?? []
      times.set(kind, list)
      for (const partition of starts.values()) {
        const next = after(partition, from)
        const before = partition[next - 1]
        if (before === undefined) continue
        if (byAnother.has(kind)) {
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
    })
    return Object.fromEntries([...times].map(([kind, list]) => [kind, spreadOf(list)])) as Recoveries
  }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(url) })))
