/** I12, I13: attempts are counted over all crashes and wait as promised, and what fails for good is buried once, whole. */
import type { Violation } from "../History.ts"
import { isFinal, keyText, leaseOf } from "./Account.ts"
import type { Account } from "./Account.ts"

/** Most starts of a task that takes its worker with it: some that nobody knows of, some beside others, some alone. */
const mostPoisonStarts = 9

/** I12. */
export const attemptsAreCounted = ({
  run,
  history,
  byTask,
  asked,
  scattered,
  leases
}: Account): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  const facts = new Map(run.facts.queues.map((queue) => [queue.name, queue]))
  const durable = new Map<string, ReadonlyArray<{ number: number; at: number }>>()
  const hasJumps = run.facts.faults.has("jump")
  for (let at = 0; at < history.length; at++) {
    const line = history[at]!
    if (line.k !== "commit" || line.stale.length > 0) continue
    for (const { task, number, outcome } of line.attempts) {
      if (outcome === "retry") durable.set(task, [...(durable.get(task) ?? []), { number, at }])
    }
  }
  for (const [task, all] of byTask) {
    if (scattered.has(task)) continue
    const isRedriven = asked.get(task)?.some(({ op, answer }) => op === "retry" && answer) === true
    const policy = facts.get(all[0]!.queue)!
    const poisoned = all.filter(({ kind, how }) => kind === "poison" && how === "died")
    if (poisoned.length > mostPoisonStarts && !isRedriven) {
      found.push({
        invariant: "I12",
        at: poisoned.at(-1)!.from,
        detail: `${all[0]!.id} took ${poisoned.length} workers with it`
      })
    }
    for (const [i, attempt] of all.entries()) {
      if (attempt.number > policy.attempts) {
        found.push({
          invariant: "I12",
          at: attempt.from,
          detail: `${attempt.queue} ${attempt.id} has attempt ${attempt.number}`
        })
      }
      if (isRedriven) continue
      const leased = leases.get(leaseOf(attempt.queue, attempt.partition, attempt.epoch)) ?? 0
      const used =
        durable
          .get(task)
          ?.filter(({ at }) => at < leased)
          .map(({ number }) => number) ?? []
      if (used.length > 0 && attempt.number <= Math.max(...used)) {
        found.push({
          invariant: "I12",
          at: attempt.from,
          detail: `${attempt.queue} ${attempt.id} has attempt ${attempt.number} after ${Math.max(...used)} was used`
        })
      }
      const before = all[i - 1]
      if (before === undefined || before.p !== attempt.p || before.epoch !== attempt.epoch || hasJumps) continue
      if (before.how !== "Retry" && before.how !== "thrown") continue
      const step = Math.min(policy.capMs, policy.backoffMs * 2 ** (before.number - 1))
      if (attempt.at - before.until < step / 2 - 1) {
        found.push({
          invariant: "I12",
          at: attempt.from,
          detail: `${attempt.id} is tried again after ${attempt.at - before.until} ms`
        })
      }
    }
  }
  const isSmooth = !["freeze", "jump", "slow", "down"].some((name) => run.facts.faults.has(name))
  if (isSmooth) {
    for (const attempt of [...byTask.values()].flat()) {
      if (attempt.kind !== "hang" || attempt.how !== "interrupted") continue
      const { timeoutMs } = facts.get(attempt.queue)!
      if (attempt.until - attempt.at > timeoutMs + 1_500) {
        found.push({
          invariant: "I12",
          at: attempt.from,
          detail: `${attempt.id} ran for ${attempt.until - attempt.at} ms`
        })
      }
    }
  }
  return found
}

const same = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : Buffer.compare(a, b) === 0

/** I13. */
export const deadLettersAreWhole = (account: Account): ReadonlyArray<Violation> => {
  const { run, history, topics, records, rows, scattered, asked } = account
  const found: Array<Violation> = []
  const at = history.length - 1
  const letters = new Map<string, number>()
  for (const queue of run.facts.queues) {
    const mine = (topics.get(`${queue.topic}.dlq`) ?? []).filter(({ headers }) => headers["x-dlq-queue"] === queue.name)
    for (const letter of mine) {
      const task = letter.headers["x-dlq-task"] ?? ""
      if (scattered.has(task)) continue
      letters.set(task, (letters.get(task) ?? 0) + 1)
      const original = records.get(task)?.record
      const row = rows
        .get(task)
        ?.findLast(
          ({ index, row: one }) => index <= letter.index + 20 && (one.state === "failed" || one.state === "invalid")
        )
      const wrong = [
        original === undefined && "no original",
        original !== undefined && !same(letter.value, original.value) && "other bytes",
        original !== undefined && keyText(letter.key) !== keyText(original.key) && "another key",
        original !== undefined &&
          Object.entries(original.headers).some(
            ([name, value]) => name !== "ce_id" && letter.headers[name] !== value
          ) &&
          "other headers",
        letter.headers["kafka_dlt-original-topic"] !== queue.topic && "another topic",
        original !== undefined &&
          rows.get(task)?.[0]?.row.offset !== Number(letter.headers["kafka_dlt-original-offset"]) &&
          "another offset",
        original !== undefined &&
          rows.get(task)?.[0]?.row.partition !== Number(letter.headers["kafka_dlt-original-partition"]) &&
          "another partition",
        (letter.headers["kafka_dlt-exception-message"] ?? "") === "" && "no cause",
        row !== undefined && letter.headers["kafka_dlt-exception-message"] !== row.row.reason && "another cause",
        row !== undefined &&
          Number(letter.headers["x-dlq-attempts"]) !== row.row.attempt &&
          "another number of attempts"
      ].filter((what) => what !== false)
      if (wrong.length > 0)
        found.push({ invariant: "I13", at: letter.index, detail: `the dead letter of ${task} has ${wrong.join(", ")}` })
    }
  }
  for (const [task, all] of rows) {
    if (scattered.has(task)) continue
    let ends = 0
    let state = ""
    const redrives = (asked.get(task) ?? []).flatMap(({ op, answer, index }) =>
      op === "retry" && answer ? [index] : []
    )
    for (const { row, index } of all) {
      const next = redrives[0]
      if (next !== undefined && index > next) {
        redrives.shift()
        state = ""
      }
      if (isFinal(state)) continue
      state = row.state
      if (state === "failed" || state === "invalid") ends++
    }
    const count = letters.get(task) ?? 0
    // A repeat of a write whose outcome was unknown, with a redrive between, buries it twice under one id.
    if (count > ends && asked.get(task)?.some(({ op }) => op === "retry") === true) continue
    if (count !== ends)
      found.push({
        invariant: "I13",
        at,
        detail: `${all[0]!.row.queue} ${task} failed ${ends} times and has ${count} dead letters`
      })
  }
  return found
}
