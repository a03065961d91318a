/**
 * What several invariants need of a history, gathered in one walk: attempts
 * with their ends, who owned which partition when, what stood in the topics,
 * and the rows as the writes left them. Ids are computed here anew, so a
 * mistake in Postroom's own is seen.
 */
import { hash } from "node:crypto"
import type { Facts, Line, LineOf, Logged, Row, Run } from "../History.ts"

export interface Attempt {
  readonly run: number
  readonly p: string
  readonly queue: string
  readonly task: string
  readonly id: string
  readonly user: string
  readonly number: number
  readonly kind: string
  readonly n: number
  readonly from: number
  readonly at: number
  /** Index and time of its end; of the end of its process where it had none; the history's end where it runs still. */
  to: number
  until: number
  /** `died` with its process, or `open`. */
  how: string
  /** The epoch of the partition when it began; 0 where its process owned none. */
  epoch: number
  partition: number
}

export interface Account {
  readonly run: Run
  readonly history: ReadonlyArray<Line>
  readonly attempts: ReadonlyArray<Attempt>
  readonly byTask: ReadonlyMap<string, ReadonlyArray<Attempt>>
  /** Records by topic, in the order of their appends. */
  readonly topics: ReadonlyMap<string, ReadonlyArray<Logged & { readonly index: number; readonly at: number }>>
  /** The first record of each task that its queue read, by task. */
  readonly records: ReadonlyMap<string, { readonly queue: string; readonly record: Logged; readonly index: number }>
  /** Tasks whose record stands in several partitions: a producer that does that may have it done in each. */
  readonly scattered: ReadonlySet<string>
  /** Tasks an operator asked to cancel or to retry, and when that took effect. */
  readonly asked: ReadonlyMap<
    string,
    ReadonlyArray<{ readonly op: string; readonly index: number; readonly answer: boolean }>
  >
  /** Each row a task had, in order, with the line that wrote it. */
  readonly rows: ReadonlyMap<string, ReadonlyArray<{ readonly row: Row; readonly index: number; readonly p: string }>>
  /** When each partition was leased (index), by `leaseOf`. */
  readonly leases: ReadonlyMap<string, number>
  /** When each process died (index), where it did. */
  readonly deaths: ReadonlyMap<string, number>
  readonly healedAt: number
}

const namespace = "9b1d6f1c-64c8-5c2e-9d0f-3f6c1a9b7e42"

/** Many invariants ask for the same ids. */
const uuids = new Map<string, string>()
const mostUuids = 5_000

/** UUID version 5 by RFC 9562, of a name below Postroom's namespace. */
export const uuid = (name: string): string => {
  const known = uuids.get(name)
  if (known !== undefined) return known
  if (uuids.size >= mostUuids) uuids.clear()
  const bytes = hash("sha1", `${namespace}\n${name}`, "buffer")
  bytes[6] = (bytes[6]! & 0x0f) | 0x50
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString("hex", 0, 16)
  const made = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
  uuids.set(name, made)
  return made
}

export const isFinal = (state: string): boolean =>
  state === "succeeded" || state === "failed" || state === "cancelled" || state === "invalid"

export const recordIdOf = ({ topic, partition, offset, headers }: Logged): string =>
  headers["ce_id"] ?? `${topic}/${partition}/${offset}`

export const keyText = (key: Uint8Array | null): string => (key === null ? "" : Buffer.from(key).toString("latin1"))

/** How the lease of a partition of a queue under one epoch is named here. */
export const leaseOf = (queue: string, partition: number, epoch: number): string => `${queue} ${partition} ${epoch}`

const push = <K, V>(map: Map<K, Array<V>>, key: K, value: V): void => {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

const queuesOf = (facts: Facts, topic: string) => facts.queues.filter((queue) => queue.topic === topic)

export const accountOf = (run: Run): Account => {
  const { history, facts } = run
  const attempts: Array<Attempt> = []
  const byRun = new Map<number, Attempt>()
  const byTask = new Map<string, Array<Attempt>>()
  const topics = new Map<string, Array<Logged & { index: number; at: number }>>()
  const records = new Map<string, { queue: string; record: Logged; index: number }>()
  const scattered = new Set<string>()
  const asked = new Map<string, Array<{ op: string; index: number; answer: boolean }>>()
  const rows = new Map<string, Array<{ row: Row; index: number; p: string }>>()
  const leases = new Map<string, number>()
  const deaths = new Map<string, number>()
  /** Epoch by process, queue and partition. */
  const owns = new Map<string, number>()
  const running = new Map<string, Set<Attempt>>()
  let healedAt = history.length

  const begin = (line: LineOf<"start">, index: number) => {
    const partition = records.get(line.task)?.record.partition ?? -1
    const attempt: Attempt = {
      run: line.run,
      p: line.p,
      queue: line.queue,
      task: line.task,
      id: line.id,
      user: line.user,
      number: line.attempt,
      kind: line.kind,
      n: line.n,
      from: index,
      at: line.t,
      to: history.length,
      until: Number.POSITIVE_INFINITY,
      how: "open",
      epoch: owns.get(`${line.p} ${line.queue} ${partition}`) ?? 0,
      partition
    }
    attempts.push(attempt)
    byRun.set(line.run, attempt)
    push(byTask, line.task, attempt)
    let mine = running.get(line.p)
    if (mine === undefined) running.set(line.p, (mine = new Set()))
    mine.add(attempt)
  }

  for (let index = 0; index < history.length; index++) {
    const line = history[index]!
    switch (line.k) {
      case "append":
        for (const record of line.records) {
          push(topics, record.topic, { ...record, index, at: line.t })
          for (const { name } of queuesOf(facts, record.topic)) {
            const task = uuid(`${name}\n${recordIdOf(record)}`)
            const known = records.get(task)
            if (known === undefined) records.set(task, { queue: name, record, index })
            else if (known.record.partition !== record.partition) scattered.add(task)
          }
        }
        break
      case "commit":
        if (line.stale.length === 0) for (const row of line.tasks) push(rows, row.id, { row, index, p: line.p })
        break
      case "lease":
        leases.set(leaseOf(line.queue, line.partition, line.epoch), index)
        break
      case "owns":
        owns.set(`${line.p} ${line.queue} ${line.partition}`, line.epoch)
        break
      case "opApplied":
        if (line.op === "cancel" || line.op === "retry")
          push(asked, line.target, { op: line.op, index, answer: line.answer })
        break
      case "start":
        begin(line, index)
        break
      case "end": {
        const attempt = byRun.get(line.run)!
        attempt.to = index
        attempt.until = line.t
        attempt.how = line.how
        running.get(attempt.p)!.delete(attempt)
        break
      }
      case "dead":
        deaths.set(line.p, index)
        for (const attempt of running.get(line.p) ?? []) {
          attempt.to = index
          attempt.until = line.t
          attempt.how = "died"
        }
        running.delete(line.p)
        break
      case "healed":
        healedAt = index
        break
      default:
    }
  }
  return { run, history, attempts, byTask, topics, records, scattered, asked, rows, leases, deaths, healedAt }
}
