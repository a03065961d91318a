/**
 * The judge of a drill. It knows nothing of Postroom's code: it reads the
 * tables, what the client was told, what the attempts wrote down and what the
 * Telegram took, and compares. `node test/chaos/check.ts <connection url> <records folder>`.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"

/** What a drill is judged by; all but the first three must be 0. */
export interface Verdict {
  readonly acknowledged: number
  readonly kept: number
  readonly published: number
  /** Acknowledged events without a row, and kept ones without a success. */
  readonly lost: number
  /** Tasks that started before the one before them of the same user had ended, and posts out of order in a channel. */
  readonly reordered: number
  /** Posts that stand twice in a channel. */
  readonly publishedTwice: number
  /** Posts that were kept and are in no channel. */
  readonly unpublished: number
  /** Users whose state does not say that each step changed it once and in turn, in either actor. */
  readonly stateWrong: number
  /** Answers that called a repeated event another one. */
  readonly conflicts: number
  /** Tasks that ended otherwise than well, and records that were made twice. */
  readonly endedBadly: number
  /** Why tasks ended badly, each reason once. */
  readonly reasons: ReadonlyArray<string>
}

const linesOf = (file: string): ReadonlyArray<string> => fs.readFileSync(file, "utf8").split("\n").slice(0, -1)

interface Sent {
  readonly event: string
  readonly username: string
  readonly messageId: number
  readonly textHash: string
}

interface KeptEvent {
  readonly id: string
  readonly user_key: string
  readonly queue: string
  readonly state: number | null
}

const seqOf = (id: string): number => Number(id.split(":")[1])

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")

/** Posts in the channels against the events that ask for them. */
const judgePosts = (kept: ReadonlyArray<KeptEvent>, ledger: ReadonlyArray<Sent>) => {
  const wanted = new Map(
    kept
      .filter(({ queue }) => queue === "publisher")
      .map(({ id, user_key: user }) => [sha256(`${user} says ${seqOf(id)}`), seqOf(id)])
  )
  const channels = Map.groupBy(
    ledger.filter(({ event }) => event === "sent"),
    ({ username }) => username
  )
  let reordered = 0
  let twice = 0
  const seen = new Set<string>()
  for (const messages of channels.values()) {
    let last = -1
    for (const { textHash } of [...messages].sort((a, b) => a.messageId - b.messageId)) {
      if (seen.has(textHash)) twice++
      seen.add(textHash)
      const seq = wanted.get(textHash) ?? Number.NaN
      if (!(seq > last)) reordered++
      last = seq
    }
  }
  return {
    published: seen.size,
    reordered,
    twice,
    unpublished: [...wanted.keys()].filter((hash) => !seen.has(hash)).length
  }
}

interface StateRow {
  readonly queue: string
  readonly user: string
  readonly name: string
  readonly value: string
}

/** States that do not fit the steps that were kept: n steps must have been counted n times, in turn. */
const judgeStates = (kept: ReadonlyArray<KeptEvent>, states: ReadonlyArray<StateRow>): number => {
  const said = new Map(states.map(({ queue, user, name, value }) => [`${queue}/${user}/${name}`, value]))
  const walkers = Map.groupBy(
    kept.filter(({ queue }) => queue === "tally"),
    ({ user_key: user }) => user
  )
  let wrong = states.filter(({ name }) => name.startsWith("broken")).length
  for (const [user, events] of walkers) {
    const n = events.length
    for (const queue of ["tally", "mirror"]) {
      const is = (name: string, value: number) => said.get(`${queue}/${user}/${name}`) === String(value)
      if (!is("count", n) || !is("sum", (n * (n - 1)) / 2) || !is("last", n - 1)) wrong++
    }
  }
  return wrong
}

/** Starts of `tally` that went ahead of a step that had not started. */
const judgeAttempts = (file: string): number => {
  const furthest = new Map<string, number>()
  let ahead = 0
  for (const line of linesOf(file)) {
    const [kind, user, text] = line.split(" ")
    if (kind !== "S") continue
    const seq = Number(text)
    if (seq > (furthest.get(user!) ?? -1) + 1) ahead++
    furthest.set(user!, Math.max(furthest.get(user!) ?? -1, seq))
  }
  return ahead
}

/** Judges what stands in the database at `url` and in the files of `records`. */
export const judge = (url: string, records: string) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const answers = linesOf(path.join(records, "acknowledged.log")).map((line) => line.split(" "))
    const acknowledged = new Set(answers.map(([, user, seq]) => `${user}:${seq}`))
    const kept = yield* sql<KeptEvent>`
      SELECT e.id, e.user_key, e.queue, t.state FROM event e LEFT JOIN task t ON t.id = e.task`
    const keptIds = new Set(kept.map(({ id }) => id))
    const [rows] = yield* sql<{ overlaps: bigint; badly: bigint; twice: bigint; open: bigint }>`
      SELECT count(*) FILTER (WHERE started_at < before) AS overlaps, count(*) FILTER (WHERE state > 2) AS badly,
        count(*) FILTER (WHERE state < 2) AS open,
        count(*) - count(DISTINCT (queue, partition, "offset")) AS twice
      FROM (SELECT *, lag(ended_at) OVER (PARTITION BY queue, user_key ORDER BY "offset") AS before FROM task) t`
    const reasons = yield* sql<{ reason: string }>`
      SELECT DISTINCT q.name || ': ' || coalesce(t.reason, '') AS reason FROM task t JOIN queue q ON q.id = t.queue WHERE t.state > 2`
    const states = yield* sql<StateRow>`
      SELECT q.name AS queue, convert_from(s.key, 'UTF8') AS user, s.name, s.value
      FROM actor_state s JOIN queue q ON q.id = s.queue WHERE q.name IN ('tally', 'mirror')`
    const ledger = linesOf(path.join(records, "ledger.jsonl")).map((line) => JSON.parse(line) as Sent)
    const posts = judgePosts(kept, ledger)
    return {
      acknowledged: acknowledged.size,
      kept: kept.length,
      published: posts.published,
      lost:
        [...acknowledged].filter((id) => !keptIds.has(id)).length +
        kept.filter(({ state }) => state !== 2).length +
        Number(rows!.open),
      reordered: Number(rows!.overlaps) + posts.reordered + judgeAttempts(path.join(records, "attempts.log")),
      publishedTwice: posts.twice,
      unpublished: posts.unpublished,
      stateWrong: judgeStates(kept, states),
      conflicts: answers.filter(([answer]) => answer === "conflict").length,
      endedBadly: Number(rows!.badly) + Number(rows!.twice),
      reasons: reasons.map(({ reason }) => reason)
    } satisfies Verdict
  }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(url) })))

/** Whether nothing went wrong. */
export const isClean = (verdict: Verdict): boolean =>
  Object.entries(verdict).every(
    ([name, n]) => ["acknowledged", "kept", "published", "reasons"].includes(name) || n === 0
  )

if (process.argv[1] === import.meta.filename) {
  const [, , url = "", records = ""] = process.argv
  const verdict = await Effect.runPromise(judge(url, records))
  process.stdout.write(`${JSON.stringify(verdict)}\n`)
  process.exit(isClean(verdict) ? 0 : 1)
}
