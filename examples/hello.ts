/**
 * The smallest actor: one topic, one handler.
 *
 *     npx postroom start --actors examples/hello.ts
 *     npx postroom produce hello --user ann --data '{"name":"Ann"}' --actors examples/hello.ts
 */
import { Effect, Schema } from "effect"
import { Actor, Topic } from "../src/postroom.ts"

const hellos = Topic.make({
  name: "hellos",
  type: "hello",
  description: "Somebody wants to be greeted. Key: user.",
  value: Schema.Struct({ name: Schema.String })
})

export const hello = Actor.make({
  name: "hello",
  topic: hellos,
  handler: ({ name }, task) => Effect.as(task.log(`greeting ${name}`), { greeting: `Hello, ${name}!` })
})

/** What CI puts in, and what must come out. */
export const check = {
  events: [{ type: "hello", user: "ann", data: { name: "Ann" } }],
  results: [{ user: "ann", status: "succeeded", result: { greeting: "Hello, Ann!" } }]
}
