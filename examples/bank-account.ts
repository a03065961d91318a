/**
 * A bank account per user: state that changes with the task's success, in one
 * transaction, and in the order in which the events came in. Withdrawals that
 * overdraw fail; with another order, other ones would.
 *
 *     npx postroom start --actors examples/bank-account.ts
 *     npx postroom produce booking --user ann --data '{"amount":100}' --actors examples/bank-account.ts
 */
import { Effect, Schema } from "effect"
import { Actor, Outcome, Topic } from "../src/postroom.ts"

const bookings = Topic.make({
  name: "bookings",
  type: "booking",
  description: "Money comes (positive) or goes (negative). Key: user.",
  value: Schema.Struct({ amount: Schema.Int })
})

export const bank = Actor.make({
  name: "bank",
  topic: bookings,
  handler: ({ amount }, task) =>
    Effect.gen(function* () {
      const before = (yield* task.getState<number>("balance")) ?? 0
      const balance = before + amount
      if (balance < 0) return Outcome.fail(`${-amount} cannot be paid from ${before}`)
      yield* task.setState("balance", balance)
      return { balance }
    })
})

const booking = (user: string, amount: number) => ({ type: "booking", user, data: { amount } })

/** Ann's second withdrawal comes before the deposit that would have paid for it. */
export const check = {
  events: [
    booking("ann", 100),
    booking("ben", 5),
    booking("ann", -70),
    booking("ann", -70),
    booking("ann", 50),
    booking("ann", -70)
  ],
  results: [
    { user: "ann", status: "succeeded", result: { balance: 100 } },
    { user: "ann", status: "succeeded", result: { balance: 30 } },
    { user: "ann", status: "failed", reason: "70 cannot be paid from 30" },
    { user: "ann", status: "succeeded", result: { balance: 80 } },
    { user: "ann", status: "succeeded", result: { balance: 10 } },
    { user: "ben", status: "succeeded", result: { balance: 5 } }
  ]
}
