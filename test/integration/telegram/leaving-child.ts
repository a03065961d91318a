/** Uses a gateway in a process of its own, closes it and says how long the process then needed to end by itself. */
import { Effect, Exit, Layer, Redacted, Scope } from "effect"
import * as GramJsGateway from "../../../src/services/telegram/GramJsGateway.ts"
import { TelegramGateway } from "../../../src/services/telegram/TelegramGateway.ts"

const { server, session } = JSON.parse(process.argv[2] ?? "{}") as {
  readonly server: GramJsGateway.TelegramServerAddress
  readonly session: string
}

await Effect.runPromise(
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const used = Effect.gen(function* () {
      const context = yield* Layer.build(
        GramJsGateway.layer({
          apiId: 1,
          apiHash: Redacted.make("hash"),
          session: Redacted.make(session),
          server,
          timeout: 60_000
        })
      )
      const telegram = yield* Effect.provideContext(TelegramGateway, context)
      const peer = yield* telegram.resolve("source_channel")
      const [post] = yield* telegram.history(peer, { minId: 0, limit: 1 })
      yield* telegram.download(post!.media!)
      // Its first connection is cut; the second call is still unanswered when everything is closed.
      yield* telegram.me
      yield* Effect.forkScoped(Effect.ignore(telegram.me))
      yield* Effect.sleep(100)
    })
    yield* Scope.provide(used, scope)
    yield* Scope.close(scope, Exit.void)
  })
)
const closed = Date.now()
process.on("exit", () => process.stdout.write(`${Date.now() - closed}\n`))
