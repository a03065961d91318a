/** The Telegram of a kill drill: a process of its own that no kill reaches, with its ledger in a file. */
import { Effect } from "effect"
import { startSandbox } from "../../src/sandbox/Sandbox.ts"

const [ledgerFile] = process.argv.slice(2)

Effect.runFork(
  Effect.scoped(
    Effect.gen(function* () {
      const { telegram } = yield* startSandbox({ ledgerFile: ledgerFile! })
      const { port, dc, publicKey } = telegram
      process.stdout.write(`${JSON.stringify({ port, dc, publicKey, session: telegram.mintSession() })}\n`)
      return yield* Effect.never
    })
  )
)
