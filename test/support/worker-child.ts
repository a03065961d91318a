/** A worker as a process of its own that notes every start in a table: `node worker-child.ts <url>`. */
import { Effect, Redacted } from "effect"
import { actorOf } from "./runtimeWorld.ts"
import { postgresWorker } from "./postgresWorker.ts"

const url = Redacted.make(process.argv[2]!)

const main = Effect.gen(function* () {
  const { sql } = yield* postgresWorker(url, [])
  const actor = actorOf(
    ({ n }, task) =>
      Effect.andThen(
        Effect.orDie(sql`INSERT INTO seen (user_key, n, pid) VALUES (${task.user}, ${n}, ${process.pid})`),
        Effect.sleep("5 millis")
      ),
    { partitions: 4 }
  )
  yield* postgresWorker(url, [actor])
  process.stdout.write("up\n")
  return yield* Effect.never
})

void Effect.runPromise(Effect.scoped(main))
