/**
 * The judge of a drill. It knows nothing of Postroom's code: it reads the
 * tables, what the client was told, what the attempts wrote down, what
 * operators asked for and what the Telegram took, and compares.
 * `node test/chaos/check.ts <connection url> <records folder>`.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { createHash } from "node:crypto"
import * as path from "node:path"
import { judgeObedience, readWishes } from "./checkOperators.ts"
import type { Wishes } from "./checkOperators.ts"
import { eachLine } from "./lines.ts"

/** What a drill is judged by; all but the counts of what was done must be 0. */
export interface Verdict {
  readonly acknowledged: number
  readonly kept: number
  readonly published: number
  /** Acknowledged events without a row, and kept ones without a success that nobody cancelled. */
  readonly lost: number
  /** Tasks that started before the one before them of the same user had ended, and posts out of order in a channel. */
  readonly reordered: number
  /** Posts that stand twice in a channel. */
  readonly publishedTwice: number
  /** Posts that were kept and are in no channel. */
  readonly unpublished: number
  /** Users whose state does not say that each step changed it once and in turn, in either actor. */
  readonly stateWrong: number
  /** Answers that called a repeated event another one, or a good one wrong. */
  readonly conflicts: number
  /** Tasks that ended otherwise than well though nobody cancelled them, and records that were made twice. */
  readonly endedBadly: number
  /** Tasks of paused users and queues that started. */
  readonly pauseBroken: number
  /** Cancelled tasks that started afterwards or ended otherwise, and tasks that nobody had cancelled. */
  readonly cancelBroken: number
  /** What operators did meanwhile. */
  readonly operators: Wishes["counts"]
  /** How often walkers' steps ran again: `cutOff` while they ran, or `ended` before their end was written. */
  readonly again: { readonly cutOff: number; readonly ended: number }
  /** Why tasks ended badly, each reason once, and what was out of order; some of each. */
  readonly reasons: ReadonlyArray<string>
}

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
  readonly task: string
  readonly state: number | null
}

const [succeeded, cancelled] = [2, 4]

const seqOf = (id: string): number => Number(id.split(":")[1])

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")

const readLedger = (file: string): ReadonlyArray<Sent> => {
  const sent: Array<Sent> = []
  eachLine(file, (words) => {
    const { event, username, messageId, textHash } = JSON.parse(words.join(" ")) as Sent
    if (event === "sent") sent.push({ event, username, messageId, textHash })
  })
  return sent
}

interface PublisherTask {
  readonly user_key: string
  readonly result: string
}

/**
 * Posts in the channels against the events that ask for them. A writer's text is known beforehand; an author's is the
 * model's, and is known by the message that its task names.
 */
const judgePosts = (
  kept: ReadonlyArray<KeptEvent>,
  tasks: ReadonlyArray<PublisherTask>,
  ledger: ReadonlyArray<Sent>
) => {
  const wanted = new Map<string, number>()
  for (const { id, queue, user_key: user } of kept) {
    if (queue === "publisher") wanted.set(sha256(`${user} says ${seqOf(id)}`), seqOf(id))
    if (queue === "rewriter") wanted.set(id, seqOf(id))
  }
  const named = new Map<string, string>()
  for (const { user_key: user, result } of tasks) {
    if (!user.startsWith("author-")) continue
    const { target, messageIds, post } = JSON.parse(result) as {
      target: string
      messageIds: Array<number>
      post: string
    }
    for (const id of messageIds) named.set(`${target}/${id}`, post)
  }
  const reordered: Array<string> = []
  let twice = 0
  const seen = new Set<string>()
  for (const messages of Map.groupBy(ledger, ({ username }) => username).values()) {
    let last = -1
    for (const { username, messageId, textHash } of messages.toSorted((a, b) => a.messageId - b.messageId)) {
      // A message that no task names is a second one of a post whose task names the other.
      const post = wanted.has(textHash) ? textHash : (named.get(`${username}/${messageId}`) ?? "")
      if (seen.has(post) || post === "") twice++
      seen.add(post)
      const seq = wanted.get(post) ?? Number.NaN
      if (!(seq > last)) reordered.push(`${username}/${messageId} is number ${seq} and follows ${last}`)
      last = seq
    }
  }
  return {
    published: seen.size,
    reordered,
    twice,
    unpublished: [...wanted.keys()].filter((post) => !seen.has(post)).length
  }
}

interface StateRow {
  readonly queue: string
  readonly user: string
  readonly name: string
  readonly value: string
}

interface Steps {
  readonly queue: string
  readonly user: string
  readonly n: bigint
  readonly sum: bigint
}

/**
 * Users whose state does not fit their steps. Walkers: n kept steps were counted n times, in turn. Wanderers, some of
 * whose steps were cancelled or retried: as many as succeeded, and `mirror` has a task for each of those and no other.
 */
const judgeStates = (
  kept: ReadonlyArray<KeptEvent>,
  states: ReadonlyArray<StateRow>,
  steps: ReadonlyArray<Steps>,
  handedOn: ReadonlyMap<string, number>
): number => {
  const said = new Map(states.map(({ queue, user, name, value }) => [`${queue}/${user}/${name}`, value]))
  const done = new Map(steps.map(({ queue, user, n, sum }) => [`${queue}/${user}`, { n: Number(n), sum: Number(sum) }]))
  const perUser = new Map<string, number>()
  for (const { queue, user_key: user } of kept) {
    if (queue === "tally") perUser.set(user, (perUser.get(user) ?? 0) + 1)
  }
  let wrong = states.filter(({ name, user }) => name.startsWith("broken") && user.startsWith("walker-")).length
  for (const [user, count] of perUser) {
    const isWanderer = user.startsWith("wanderer-")
    for (const queue of ["tally", "mirror"]) {
      const { n, sum } = isWanderer
        ? (done.get(`${queue}/${user}`) ?? { n: 0, sum: 0 })
        : { n: count, sum: (count * (count - 1)) / 2 }
      const is = (name: string, value: number) => n === 0 || said.get(`${queue}/${user}/${name}`) === String(value)
      if (!is("count", n) || !is("sum", sum) || (!isWanderer && !is("last", n - 1))) wrong++
    }
    if (isWanderer && (handedOn.get(user) ?? 0) !== (done.get(`tally/${user}`)?.n ?? 0)) wrong++
  }
  return wrong
}

/** Walkers' steps that fail once on purpose; the others start again only where something struck. */
const isFlaky = (seq: number): boolean => seq % 17 === 16

/**
 * Starts of `tally` that went ahead of a step that had not started; steps in `skipped` never need to. And how often
 * walkers' steps ran again, because they were cut off or because their end was not written.
 */
const judgeAttempts = (file: string, skipped: ReadonlySet<string>) => {
  const furthest = new Map<string, number>()
  const ended = new Map<string, number>()
  const ahead: Array<string> = []
  const again = { cutOff: 0, ended: 0 }
  eachLine(file, ([kind, user, text]) => {
    const seq = Number(text)
    if (kind === "E") ended.set(user!, Math.max(ended.get(user!) ?? -1, seq))
    if (kind !== "S") return
    const last = furthest.get(user!) ?? -1
    if (seq <= last && user!.startsWith("walker-") && !isFlaky(seq))
      again[seq <= (ended.get(user!) ?? -1) ? "ended" : "cutOff"]++
    for (let between = last + 1; between < seq; between++)
      if (!skipped.has(`${user}:${between}`)) ahead.push(`${user}:${seq} ran before ${between}`)
    furthest.set(user!, Math.max(last, seq))
  })
  return { ahead, again }
}

/** Clocks that a drill sets jump by a day: a start that is later than the end before it by hours is no overlap. */
const mostOverlap = "12 hours"

const readTables = (retried: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const kept = yield* sql<KeptEvent>`
      SELECT e.id, e.user_key, e.queue, e.task, t.state FROM event e LEFT JOIN task t ON t.id = e.task`
    const [rows] = yield* sql<{ twice: bigint; open: bigint }>`
      SELECT count(*) FILTER (WHERE state < 2) AS open,
        count(*) - count(DISTINCT (queue, partition, "offset")) AS twice FROM task`
    // A task that was retried ran after those behind it, as it should.
    const overlaps = yield* sql.unsafe<{ overlap: string }>(
      `SELECT user_key || ' in ' || q.name || ': ' || t.id || ' started ' || (before - started_at) || ' before ' || former || ' had ended' AS overlap
      FROM (SELECT id, queue, user_key, started_at, lag(ended_at) OVER mailbox AS before, lag(id) OVER mailbox AS former
        FROM task WHERE NOT id::text = ANY ($1::text[]) WINDOW mailbox AS (PARTITION BY queue, user_key ORDER BY "offset")) t
      JOIN queue q ON q.id = t.queue
      WHERE started_at < before AND before - started_at < interval '${mostOverlap}'`,
      [`{${retried.join(",")}}`]
    )
    const badly = yield* sql<{ id: string; flow: string | null; state: number; reason: string }>`
      SELECT t.id, t.flow, t.state, q.name || ': ' || coalesce(t.reason, '') AS reason
      FROM task t JOIN queue q ON q.id = t.queue WHERE t.state > 2`
    const states = yield* sql<StateRow>`
      SELECT q.name AS queue, convert_from(s.key, 'UTF8') AS user, s.name, s.value
      FROM actor_state s JOIN queue q ON q.id = s.queue WHERE q.name IN ('tally', 'mirror')`
    const steps = yield* sql<Steps>`
      SELECT q.name AS queue, t.user_key AS user, count(*) AS n, sum((t.result::json->>'seq')::int)::int8 AS sum
      FROM task t JOIN queue q ON q.id = t.queue
      WHERE q.name IN ('tally', 'mirror') AND t.state = ${succeeded} AND t.user_key LIKE 'wanderer-%' GROUP BY 1, 2`
    const handedOn = yield* sql<{ user: string; n: bigint }>`
      SELECT t.user_key AS user, count(*) AS n FROM task t JOIN queue q ON q.id = t.queue WHERE q.name = 'mirror' GROUP BY 1`
    const posts = yield* sql<PublisherTask>`
      SELECT t.user_key, t.result FROM task t JOIN queue q ON q.id = t.queue
      WHERE q.name = 'publisher' AND t.state = ${succeeded}`
    return { kept, rows: rows!, overlaps, badly, states, steps, handedOn, posts }
  })

/** Judges what stands in the database at `url` and in the files of `records`. */
export const judge = (url: string, records: string) =>
  Effect.gen(function* () {
    const wishes = readWishes(records)
    const { kept, rows, overlaps, badly, states, steps, handedOn, posts } = yield* readTables([...wishes.retried])
    const acknowledged = new Set<string>()
    let conflicts = 0
    eachLine(path.join(records, "acknowledged.log"), ([answer, user, seq]) => {
      acknowledged.add(`${user}:${seq}`)
      if (answer === "conflict") conflicts++
    })
    const wasAsked = (id: string, flow: string | null) =>
      wishes.cancelAsked.has(id) || (flow !== null && wishes.cancelAsked.has(flow))
    const excused = new Set(
      badly.filter(({ id, flow, state }) => state === cancelled && wasAsked(id, flow)).map(({ id }) => id)
    )
    const unexcused = badly.filter(({ id }) => !excused.has(id))
    const keptIds = new Set(kept.map(({ id }) => id))
    const skipped = new Set(kept.filter(({ task }) => excused.has(task)).map(({ id }) => id))
    const { published, reordered, twice, unpublished } = judgePosts(
      kept,
      posts,
      readLedger(path.join(records, "ledger.jsonl"))
    )
    const { ahead, again } = judgeAttempts(path.join(records, "attempts.log"), skipped)
    const outOfOrder = [...overlaps.map(({ overlap }) => overlap), ...reordered, ...ahead]
    const obedience = judgeObedience(records, wishes)
    return {
      acknowledged: acknowledged.size,
      kept: kept.length,
      published,
      lost:
        [...acknowledged].filter((id) => !keptIds.has(id)).length +
        kept.filter(({ state, task }) => state !== succeeded && !excused.has(task)).length +
        Number(rows.open),
      reordered: outOfOrder.length,
      publishedTwice: twice,
      unpublished,
      stateWrong: judgeStates(kept, states, steps, new Map(handedOn.map(({ user, n }) => [user, Number(n)]))),
      conflicts,
      endedBadly: unexcused.length + Number(rows.twice),
      pauseBroken: obedience.pauseBroken,
      cancelBroken:
        obedience.cancelBroken +
        [...wishes.cancelled.keys()].filter((task) => !excused.has(task)).length +
        unexcused.filter(({ state }) => state === cancelled).length,
      operators: wishes.counts,
      again,
      reasons: [...[...new Set(unexcused.map(({ reason }) => reason))].slice(0, 20), ...outOfOrder.slice(0, 20)]
    } satisfies Verdict
  }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(url), maxMessageSize: 1 << 30 })))

const counts: ReadonlySet<string> = new Set(["acknowledged", "kept", "published", "operators", "again", "reasons"])

/** What went wrong, and how often. */
export const violationsOf = (verdict: Verdict): ReadonlyArray<readonly [name: string, n: number]> =>
  Object.entries(verdict).flatMap(([name, n]) => (counts.has(name) || n === 0 ? [] : [[name, n as number] as const]))

/** Whether nothing went wrong. */
export const isClean = (verdict: Verdict): boolean => violationsOf(verdict).length === 0

if (process.argv[1] === import.meta.filename) {
  const [, , url = "", records = ""] = process.argv
  const verdict = await Effect.runPromise(judge(url, records))
  process.stdout.write(`${JSON.stringify(verdict)}\n`)
  process.exit(isClean(verdict) ? 0 : 1)
}
