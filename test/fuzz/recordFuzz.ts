/**
 * Records straight into a topic, as any producer may append them, and a worker
 * that reads it. After every so many all of them must have ended: taken, or
 * `invalid` with a reason and their dead letter, or a repeat; in order within
 * each key, each run once, and the queue goes on.
 */
import { Effect, Layer } from "effect"
import type { PgClient } from "@effect/sql-pg"
import { SqlClient } from "effect/sql"
import { Broker } from "../../src/broker/Broker.ts"
import type { TopicRecord } from "../../src/broker/Record.ts"
import { layerStorage } from "../../src/cli/storage.ts"
import { mailboxKeyOf } from "../../src/domain/Task.ts"
import { taskStates } from "../../src/domain/TaskState.ts"
import type { Journal } from "../../src/journal/Journal.ts"
import * as Actor from "../../src/runtime/Actor.ts"
import { startWorker } from "../../src/runtime/Worker.ts"
import { deadLetterNameOf } from "../../src/topics/Topic.ts"
import { temporaryFolder } from "../scenarios/Installation.ts"
import { freshDatabase } from "../support/postgres.ts"
import { untilSo } from "../support/until.ts"
import { parcels } from "./parcel.ts"
import { drawRecord } from "./records.ts"
import type { DrawnRecord } from "./records.ts"
import type { Finding } from "./sending.ts"

export interface RecordRun {
  readonly seed: number
  readonly from: number
  readonly count: number
  readonly progress: (sent: number, findings: number) => void
}

export interface RecordReport {
  readonly records: number
  readonly seconds: number
  readonly states: Readonly<Record<string, number>>
  /** Records that were dropped because their id was known. */
  readonly repeats: number
  readonly deadLetters: number
  readonly residentMib: { readonly before: number; readonly after: number }
  readonly findings: ReadonlyArray<Finding>
}

const chunk = 5_000
const append = 250
const patienceSeconds = 180
const mostFindings = 20
const mostResidentMib = 1_536

interface Row {
  readonly seq: bigint
  readonly id: string
  readonly partition: number
  readonly offset: bigint
  readonly state: number
  readonly reason: string | null
}

const mib = (): number => Math.round(process.memoryUsage().rss / 1_048_576)

const longestShown = 300

const shown = ({ record }: DrawnRecord): string =>
  JSON.stringify({
    key: record.key === null ? null : Buffer.from(record.key).toString("latin1").slice(0, longestShown),
    headers: Object.entries(record.headers).map(([name, value]) => [
      name.slice(0, longestShown),
      value.slice(0, longestShown)
    ]),
    value: record.value === null ? null : Buffer.from(record.value).toString("latin1").slice(0, longestShown)
  })

const isSame = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : Buffer.compare(a, b) === 0

/** What became of the dead letter; null where it is as it should be. */
const letterFault = (letters: ReadonlyArray<TopicRecord>, { record }: DrawnRecord): string | null => {
  const [letter, second] = letters
  if (letter === undefined) return "no dead letter"
  if (second !== undefined) return "two dead letters"
  if (!isSame(letter.value, record.value)) return "a dead letter with another value"
  if (!isSame(letter.key, record.key)) return "a dead letter with another key"
  if (letter.headers["kafka_dlt-exception-message"] === "") return "a dead letter without a cause"
  return null
}

type Stored = Broker | Journal | PgClient.PgClient | SqlClient.SqlClient

/** Appends them and looks what becomes of them. */
export const fuzzRecords = (run: RecordRun): Effect.Effect<RecordReport> =>
  Effect.scoped(
    Effect.gen(function* () {
      const dataDir = yield* temporaryFolder
      const { url } = yield* freshDatabase
      const storage = Layer.orDie(
        layerStorage({ databaseUrl: url, dataDir, kafkaBrokers: null })
      ) as Layer.Layer<Stored>
      return yield* play(run).pipe(Effect.provide(storage))
    })
  )

const play = Effect.fnUntraced(
  function* (run: RecordRun) {
    const broker = yield* Broker
    const sql = yield* SqlClient.SqlClient
    /** Ids of tasks, in the order in which they ran. */
    let ran: Array<string> = []
    const actor = Actor.make({
      name: "parcel",
      topic: parcels,
      handler: ({ n, rest, notes }, task) =>
        Effect.gen(function* () {
          ran.push(task.id)
          // Texts of any kind and length as names of steps and state.
          for (const name of Object.keys(notes ?? {})) {
            yield* task.setState(name, n)
            yield* task.step(name, Effect.succeed(n))
            if ((yield* task.getState(name)) !== n) find("state is not what it was set to", null, JSON.stringify(name))
          }
          return rest === undefined ? { n } : { n, rest }
        })
    })
    yield* startWorker({ actors: [actor] })

    const findings: Array<Finding> = []
    const find = (fault: string, drawn: DrawnRecord | null, more = "") => {
      if (findings.length >= mostFindings || findings.some((one) => one.fault === fault)) return
      const smallest = drawn === null ? more : `${shown(drawn)} ${more}`
      findings.push({ seed: run.seed, index: drawn?.index ?? run.from, kind: "record", fault, smallest, alone: false })
    }
    const states: Record<string, number> = {}
    let repeats = 0
    let deadLetters = 0
    let seen = 0n
    const letterFrom = new Map<number, number>()
    /** Ids that have made a task. */
    const known = new Set<string>()
    const before = mib()
    const began = performance.now()

    const hasEnded = Effect.map(
      sql<{ open: boolean }>`SELECT EXISTS (SELECT 1 FROM task WHERE state < 2) OR EXISTS (
      SELECT 1 FROM topic t JOIN topic_partition p ON p.topic = t.id JOIN queue q ON q.topic = t.name
      LEFT JOIN assignment a ON a.queue = q.id AND a.partition = p.partition
      WHERE p.next_offset > coalesce(a.next_offset, 0)) AS open`,
      ([row]) => row?.open === false
    )

    const readLetters = Effect.fnUntraced(function* () {
      const letters = new Map<string, Array<TopicRecord>>()
      const topic = deadLetterNameOf(parcels.name)
      for (const { partition, next } of yield* broker.ends(topic)) {
        let from = letterFrom.get(partition) ?? 0
        while (from < next) {
          const page = yield* broker.read({ topic, partition, from, limit: 500 })
          for (const letter of page) {
            const task = letter.headers["x-dlq-task"] ?? ""
            letters.set(task, [...(letters.get(task) ?? []), letter])
          }
          deadLetters += page.length
          from = page.at(-1)!.offset + 1
        }
        letterFrom.set(partition, from)
      }
      return letters
    })

    const end = run.from + run.count
    for (let at = run.from; at < end; at += chunk) {
      const drawn = Array.from({ length: Math.min(chunk, end - at) }, (_, i) => drawRecord(run.seed, at + i))
      const byPlace = new Map<string, DrawnRecord>()
      for (let i = 0; i < drawn.length; i += append) {
        const part = drawn.slice(i, i + append)
        const places = yield* broker.append(part.map(({ record }) => record))
        for (const [j, { partition, offset }] of places.entries()) byPlace.set(`${partition}/${offset}`, part[j]!)
      }
      const ended = yield* Effect.exit(untilSo("all of them to end", hasEnded, patienceSeconds))
      if (ended._tag === "Failure") {
        find("a partition is blocked", null, String(ended.cause))
        break
      }
      const rows =
        yield* sql<Row>`SELECT seq, id, partition, "offset", state, reason FROM task WHERE seq > ${seen} ORDER BY seq`
      const letters = yield* readLetters()
      const taskAt = new Map(rows.map((row) => [`${row.partition}/${row.offset}`, row]))
      for (const row of rows) if (row.seq > seen) seen = row.seq

      for (const [place, one] of byPlace) {
        const row = taskAt.get(place)
        if (row !== undefined && one.id !== null) known.add(one.id)
      }
      for (const [place, one] of byPlace) {
        const row = taskAt.get(place)
        if (row === undefined) {
          if (one.id === null || !known.has(one.id)) find("a record has no task", one)
          repeats++
          continue
        }
        const state = taskStates[row.state]!
        states[state] = (states[state] ?? 0) + 1
        if (one.fate !== "any" && state !== one.fate) find(`${state} instead of ${one.fate}`, one, row.reason ?? "")
        if (state === "succeeded") continue
        if ((row.reason ?? "") === "") find(`${state} without a reason`, one)
        const fault = letterFault(letters.get(row.id) ?? [], one)
        if (fault !== null) find(`${state} with ${fault}`, one, row.reason ?? "")
      }

      const last = new Map<string, number>()
      const placeOf = new Map(rows.map((row) => [row.id, row]))
      const runs = new Set<string>()
      for (const id of ran) {
        const row = placeOf.get(id)
        const one = row === undefined ? undefined : byPlace.get(`${row.partition}/${row.offset}`)
        if (row === undefined || one === undefined) {
          find("a task ran that is not there", null, id)
          continue
        }
        if (runs.has(id)) find("a task ran twice", one)
        runs.add(id)
        if (one.record.key === null) continue
        const box = `${row.partition} ${mailboxKeyOf(one.record.key)}`
        if ((last.get(box) ?? -1) > Number(row.offset)) find("out of order", one)
        last.set(box, Number(row.offset))
      }
      for (const row of rows) {
        if (taskStates[row.state] === "succeeded" && !runs.has(row.id))
          find("a task succeeded and never ran", null, row.id)
      }
      ran = []
      run.progress(at + drawn.length - run.from, findings.length)
    }

    const after = mib()
    if (after > mostResidentMib) find("memory is not bounded", null, `${after} MiB`)
    const seconds = (performance.now() - began) / 1_000
    return { records: run.count, seconds, states, repeats, deadLetters, residentMib: { before, after }, findings }
  },
  Effect.scoped,
  Effect.orDie
)
