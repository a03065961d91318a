/** An actor for tests of whole processes: it sleeps as long as it is told, fails as often as it is told, and says which process ran it. */
import { Effect, Schema } from "effect"
import { fail } from "../../src/domain/Outcome.ts"
import * as Actor from "../../src/runtime/Actor.ts"
import * as Topic from "../../src/topics/Topic.ts"

export const naps = Topic.make({
  name: "naps",
  type: "nap",
  description: "Somebody wants to sleep. Key: user.",
  value: Schema.Struct({ ms: Schema.Int, fails: Schema.optionalKey(Schema.Boolean), n: Schema.optionalKey(Schema.Int) })
})

/** Set by a test: tasks that are to fail do so only while it holds. */
export const weather = { isBad: true }

export const nap = Actor.make({
  name: "nap",
  topic: naps,
  handler: ({ ms, fails, n }, task) =>
    Effect.gen(function* () {
      yield* task.log("falling asleep")
      yield* Effect.sleep(ms)
      if (fails === true && weather.isBad) return fail("it rains", { inside: true })
      return { pid: process.pid, n: n ?? 0 }
    }),
  retry: { attempts: 2, backoffMs: 20 }
})
