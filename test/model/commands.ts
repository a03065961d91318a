/** Commands of clients and operators. Events, tasks and users are named by numbers that are taken round what there is. */
import * as fc from "fast-check"
import { plans } from "./job.ts"
import type { Plan } from "./job.ts"

export type Command =
  | { readonly kind: "post"; readonly user: number; readonly plan: Plan }
  | { readonly kind: "repeat" | "conflict" | "cancelEvent" | "readEvent"; readonly event: number }
  | { readonly kind: "cancelTask" | "retryTask" | "readTask"; readonly task: number }
  | { readonly kind: "pauseUser" | "resumeUser" | "mailbox"; readonly user: number }
  | { readonly kind: "pauseQueue" | "resumeQueue"; readonly queue: "job" | "follow" }
  | { readonly kind: "quiet" }

export const users = 3

const user = fc.nat({ max: users - 1 })
const any = fc.nat({ max: 20 })
const queue = fc.constantFrom("job" as const, "follow" as const)

export const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant("post" as const), user, plan: fc.constantFrom(...plans) })
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom("repeat" as const, "conflict" as const, "cancelEvent" as const, "readEvent" as const),
      event: any
    })
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom("cancelTask" as const, "retryTask" as const, "readTask" as const, "cancelTask" as const),
      task: any
    })
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom("pauseUser" as const, "resumeUser" as const, "mailbox" as const),
      user
    })
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom("pauseQueue" as const, "resumeQueue" as const), queue })
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("quiet" as const) }) }
)
