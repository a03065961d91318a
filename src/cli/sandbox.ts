/** `postroom sandbox`: the outside world on loopback, alone, for other programs to talk to. */
import { Effect } from "effect"
import { startSandbox } from "../sandbox/Sandbox.ts"
import type { SandboxOptions } from "../sandbox/Sandbox.ts"

/** Runs until it is interrupted; says where everything is. */
export const sandboxAlone = Effect.fn("sandbox")(function* (options: SandboxOptions & { readonly json: boolean }) {
  const sandbox = yield* startSandbox(options)
  const { telegram, openAi, web } = sandbox
  const where = {
    telegram: {
      host: "127.0.0.1",
      port: telegram.port,
      dc: telegram.dc,
      publicKey: telegram.pem,
      session: telegram.mintSession()
    },
    openAi: { baseUrl: openAi.baseUrl, apiKey: openAi.apiKey },
    web: { baseUrl: web.baseUrl, feeds: sandbox.world.feeds.map(({ feed }) => web.feedUrl(feed.name)) },
    channels: sandbox.world.model.channels.map((channel) => channel.username)
  }
  const lines = [
    `Telegram  127.0.0.1:${telegram.port} (data centre ${telegram.dc})`,
    `OpenAI    ${openAi.baseUrl} (key ${openAi.apiKey})`,
    `Web       ${web.baseUrl}`,
    ...where.web.feeds.map((feed) => `Feed      ${feed}`),
    `Channels  ${where.channels.join(", ")}`,
    "",
    telegram.pem.trim(),
    "",
    `Session   ${where.telegram.session}`
  ]
  yield* Effect.sync(() => process.stdout.write(options.json ? `${JSON.stringify(where)}\n` : `${lines.join("\n")}\n`))
  return yield* Effect.never
}, Effect.scoped)
