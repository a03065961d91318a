/** Uses a gateway in a process of its own, closes it and says when: the process must then end by itself. */
import { Effect, Exit, Scope } from "effect"
import { gateway, posts, sandbox } from "./sandbox.ts"

const noise = Buffer.alloc(600_000, 3)
const [photo] = posts(1)
const source = [{ ...photo!, text: "", photo: { bytes: () => noise, width: 64, height: 48, name: "a.jpg" } }]

await Effect.runPromise(
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const used = Effect.gen(function* () {
      const server = yield* sandbox({ source, secondDataCentre: true })
      const telegram = yield* gateway(server, { connectTimeout: 60_000 })
      const peer = yield* telegram.resolve("source_channel")
      const [post] = yield* telegram.history(peer, { minId: 0, limit: 1 })
      yield* telegram.download(post!.media!)
      server.dropConnections()
      yield* telegram.me
      // A call still unanswered when everything is closed.
      server.faults.add({ method: "users.getUsers", silent: true })
      yield* Effect.forkScoped(Effect.ignore(telegram.me))
      yield* Effect.sleep(50)
    })
    yield* Scope.provide(used, scope)
    yield* Scope.close(scope, Exit.void)
  })
)
const closed = Date.now()
process.on("exit", () => process.stdout.write(`${Date.now() - closed}\n`))
