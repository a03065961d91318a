/** The Telegram and the OpenAI of a drill: they outlive every kill. `node outside.ts <channels> <ledger file>`. */
import { Effect } from "effect"
import * as fs from "node:fs"
import { makeOpenAiSandbox } from "../../src/sandbox/openai/OpenAiSandbox.ts"
import { startTelegramServer } from "../../src/sandbox/telegram/TelegramServer.ts"
import { channelOf } from "./DrillPlace.ts"
import type { ChaosPlace } from "./DrillPlace.ts"
import { endWithParent } from "../../bench/support/endWithParent.ts"

endWithParent()
const [, , channels = "1", ledgerFile = ""] = process.argv

const program = Effect.gen(function* () {
  const server = yield* startTelegramServer({
    ledgerFile,
    world: {
      channels: Array.from({ length: Number(channels) }, (_, n) => ({
        id: String(5_000 + n),
        username: channelOf(n),
        title: `Target ${n}`,
        kind: "target" as const
      }))
    }
  })
  const { baseUrl, apiKey } = yield* makeOpenAiSandbox({ port: 0 })
  const where: Pick<ChaosPlace, "telegram" | "openAi"> = {
    telegram: {
      host: "127.0.0.1",
      port: server.port,
      dc: server.dc,
      publicKey: server.publicKey,
      session: server.mintSession()
    },
    openAi: { baseUrl, apiKey }
  }
  fs.writeSync(1, `${JSON.stringify(where)}\n`)
  return yield* Effect.never
})
await Effect.runPromise(Effect.scoped(program))
