/**
 * Failures that pass are tried again in place, so that the user's order holds;
 * an attempt that takes too long is interrupted; some failures never pass.
 *
 *     npx postroom start --actors examples/retry-and-timeout.ts
 *     npx postroom produce call --user ann --data '{"mood":"busy"}' --actors examples/retry-and-timeout.ts
 */
import { Data, Effect, Schema } from "effect"
import { Actor, Outcome, Topic } from "../src/postroom.ts"

const calls = Topic.make({
  name: "calls",
  type: "call",
  description: "Somebody is to be called. Key: user.",
  value: Schema.Struct({ mood: Schema.Literals(["busy", "silent", "gone"]) })
})

/** The line is busy; the runtime retries whatever does not say that it cannot be retried. */
class Busy extends Data.TaggedError("Busy")<{}> {
  readonly isRetryable = true
}

export const caller = Actor.make({
  name: "caller",
  topic: calls,
  retry: { attempts: 3, backoffMs: 50, capMs: 200 },
  timeoutMs: 300,
  handler: ({ mood }, task) => {
    // Busy at first, and then not.
    if (mood === "busy") return task.attempt < 3 ? Effect.fail(new Busy()) : Effect.succeed({ talked: true })
    // Nobody answers: interrupted after 300 ms, three times, then failed.
    if (mood === "silent") return Effect.never
    // No use in trying again: failed at once, with a dead letter.
    return Effect.succeed(Outcome.fail("the number does not exist"))
  }
})

/** What CI puts in, and what must come out, in order. */
export const check = {
  events: [
    { type: "call", user: "ann", data: { mood: "busy" } },
    { type: "call", user: "ann", data: { mood: "gone" } },
    { type: "call", user: "ben", data: { mood: "silent" } }
  ],
  results: [
    { user: "ann", status: "succeeded", attempt: 3, result: { talked: true } },
    { user: "ann", status: "failed", attempt: 1, reason: "the number does not exist" },
    { user: "ben", status: "failed", attempt: 3, reason: "no answer within 300 ms" }
  ]
}
