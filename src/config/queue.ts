/** What an operator may change about one queue: `QUEUE_<NAME>_<KEY>`, over what its actor says. */
import { Effect } from "effect"
import type { Priority } from "../domain/Outcome.ts"
import { time, whole, word } from "./Setting.ts"
import { read } from "./Setting.ts"
import type { Setting } from "./Setting.ts"

const rateShape = /^(\d+)\s*\/\s*(.+)$/

const unset = <A>(setting: Setting<A>): Setting<A | null> => ({
  ...setting,
  fallback: "",
  parse: (value) => (value === "" ? null : setting.parse(value))
})

const rate = (prefix: string): Setting<{ readonly count: number; readonly perMs: number } | null> => {
  const per = time({ key: "", about: "", fallback: "1 minute" })
  return {
    key: `${prefix}_RATE`,
    about: "Most starts per time in one process.",
    shape: "a number, a slash and a length of time",
    example: "20/1 minute",
    fallback: "",
    parse: (value) => {
      if (value === "") return null
      const match = rateShape.exec(value)
      const perMs = match === null ? undefined : per.parse(match[2]!)
      const count = Number(match?.[1])
      return perMs === undefined || perMs === 0 || count === 0 ? undefined : { count, perMs }
    }
  }
}

/** The settings of the queue `name`; each is null where it is not set. */
export const queueSettings = (name: string) => {
  const prefix = `QUEUE_${name.toUpperCase().replaceAll("-", "_")}`
  return {
    concurrency: unset(
      whole(
        { key: `${prefix}_CONCURRENCY`, about: "Most tasks at a time in one process.", example: "50", fallback: "" },
        1,
        100_000
      )
    ),
    attempts: unset(
      whole(
        { key: `${prefix}_ATTEMPTS`, about: "How often a task is tried in all.", example: "5", fallback: "" },
        1,
        100
      )
    ),
    backoffMs: unset(
      time({
        key: `${prefix}_BACKOFF`,
        about: "Wait before the second attempt; doubled each time.",
        fallback: "1 second"
      })
    ),
    capMs: unset(
      time({ key: `${prefix}_BACKOFF_CAP`, about: "The longest wait between attempts.", fallback: "1 minute" })
    ),
    timeoutMs: unset(
      time({ key: `${prefix}_TIMEOUT`, about: "How long an attempt may take.", fallback: "60 seconds" })
    ),
    rate: rate(prefix),
    priority: unset(
      word<Priority>(
        { key: `${prefix}_PRIORITY`, about: "The queue's place among the others.", example: "high", fallback: "" },
        ["high", "medium", "low"]
      )
    )
  }
}

/** What the environment says about the queue `name`. */
export const readQueue = (name: string) =>
  Effect.gen(function* () {
    const settings = queueSettings(name)
    return {
      concurrency: yield* read(settings.concurrency),
      attempts: yield* read(settings.attempts),
      backoffMs: yield* read(settings.backoffMs),
      capMs: yield* read(settings.capMs),
      timeoutMs: yield* read(settings.timeoutMs),
      rate: yield* read(settings.rate),
      priority: yield* read(settings.priority)
    }
  })
