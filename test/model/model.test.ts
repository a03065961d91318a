/** The life of tasks through the HTTP API, against a naive model: a bounded edition of `npm run model`. */
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { check } from "./check.ts"

const seed = 4
const runs = 8
/** Only what hangs comes near. */
const slowest = 300_000

describe("the life of tasks", () => {
  it.live(
    `is what a naive model says, in ${runs} sequences of commands`,
    () => Effect.scoped(Effect.asVoid(check({ runs, seed, longest: 25, progress: () => {}, found: () => {} }))),
    slowest
  )
})
