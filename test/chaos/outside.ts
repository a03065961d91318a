/** The Telegram that the drill publishes to: it outlives every kill. `node telegram.ts <writers> <ledger file>`. */
import { Effect } from "effect"
import * as fs from "node:fs"
import { startTelegramServer } from "../../src/sandbox/telegram/TelegramServer.ts"
import { channelOf } from "./DrillPlace.ts"
import type { DrillPlace } from "./DrillPlace.ts"
import { endWithParent } from "../../bench/support/endWithParent.ts"

endWithParent()
const [, , writers = "1", ledgerFile = ""] = process.argv

const program = Effect.gen(function* () {
  const server = yield* startTelegramServer({
    ledgerFile,
    world: {
      channels: Array.from({ length: Number(writers) }, (_, n) => ({
        id: String(5_000 + n),
        username: channelOf(n),
        title: `Target ${n}`,
        kind: "target" as const
      }))
    }
  })
  const where: DrillPlace["telegram"] = {
    host: "127.0.0.1",
    port: server.port,
    dc: server.dc,
    publicKey: server.publicKey,
    session: server.mintSession()
  }
  fs.writeSync(1, `${JSON.stringify(where)}\n`)
  return yield* Effect.never
})
await Effect.runPromise(Effect.scoped(program))
