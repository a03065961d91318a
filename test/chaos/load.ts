/**
 * The load of the kill drills: two kinds of events per user, each with the
 * user's own sequence. `count` is handled by an actor that keeps the last
 * number as state, `post.ready` by the publisher. Ids and texts follow from
 * user and number alone, so that a checker can expect them.
 */
import { Effect, Schema } from "effect"
import { Actor, Topic } from "../../src/postroom.ts"

export const counts = Topic.make({
  name: "counts",
  type: "count",
  description: "The next number of a user. Key: user.",
  value: Schema.Struct({ n: Schema.Int })
})

/** How long a count takes, ms: long enough to be cut off by a kill. */
const workMs = 3

export const counter = Actor.make({
  name: "counter",
  topic: counts,
  concurrency: 200,
  handler: ({ n }, task) =>
    Effect.gen(function* () {
      const last = (yield* task.getState<number>("last")) ?? 0
      yield* Effect.sleep(workMs)
      yield* task.setState("last", n)
      return { n, last }
    })
})

export const users = Array.from({ length: 24 }, (_, i) => `user-${i + 1}`)

export const targetOf = (user: string): string =>
  Number(user.split("-")[1]) % 2 === 0 ? "zarechye_briefly" : "field_and_table"

/** Every so many counts, a user also publishes. */
export const countsPerPost = 8
