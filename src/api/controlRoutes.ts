/** Queues and users: what they hold, pause and resume. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { keyOf } from "../domain/Task.ts"
import { Journal } from "../journal/Journal.ts"
import { readMailbox, readQueues } from "../journal/sql/History.ts"
import { Api } from "./Contract.ts"
import { guarded } from "./guarded.ts"
import { viewOf } from "./present.ts"
import { NotFound } from "./Problems.ts"

const by = "the API"
const largestMailbox = 500

const setQueue = (name: string, paused: boolean) =>
  Effect.gen(function* () {
    const journal = yield* Journal
    const queues = yield* guarded(readQueues)
    if (!queues.some((queue) => queue.name === name)) return yield* NotFound.of(`there is no queue "${name}"`)
    yield* guarded(journal.pauseQueue(name, paused, by))
    return { paused }
  })

export const queueRoutes = HttpApiBuilder.group(Api, "queues", (handlers) =>
  handlers
    .handle("list", () => guarded(readQueues))
    .handle("pause", ({ params }) => setQueue(params.name, true))
    .handle("resume", ({ params }) => setQueue(params.name, false))
)

const setUser = (user: string, paused: boolean) =>
  Effect.gen(function* () {
    const journal = yield* Journal
    yield* guarded(journal.pauseKey(keyOf(user), paused, by))
    return { paused }
  })

export const userRoutes = HttpApiBuilder.group(Api, "users", (handlers) =>
  handlers
    .handle(
      "mailbox",
      Effect.fnUntraced(function* ({ params }) {
        const mailbox = yield* guarded(readMailbox(params.id, largestMailbox))
        return { user: params.id, ...mailbox, tasks: mailbox.tasks.map(viewOf) }
      })
    )
    .handle("pause", ({ params }) => setUser(params.id, true))
    .handle("resume", ({ params }) => setUser(params.id, false))
)
