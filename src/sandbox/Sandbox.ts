/**
 * The outside world on loopback: a Telegram, an OpenAI and a small web, with
 * the demo's channels, feeds and readers. What `npm start` uses where no
 * credentials are given.
 */
import { Clock, Effect } from "effect"
import { makeOpenAiSandbox } from "./openai/OpenAiSandbox.ts"
import { startTelegramServer } from "./telegram/TelegramServer.ts"
import { makeDemoWeb } from "./web/DemoWeb.ts"
import { makeDemoWorld } from "./world/DemoWorld.ts"

export interface SandboxOptions {
  /** Ports; 0 or none takes any. */
  readonly telegramPort?: number
  readonly openAiPort?: number
  readonly webPort?: number
  /** What was posted is also written to this file, as JSON lines. */
  readonly ledgerFile?: string
}

/** Starts all three; they end with the scope. */
export const startSandbox = Effect.fn("Sandbox.start")(function* (options: SandboxOptions = {}) {
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const world = makeDemoWorld(now)
  const telegram = yield* startTelegramServer({
    world: world.model,
    port: options.telegramPort ?? 0,
    ...(options.ledgerFile === undefined ? {} : { ledgerFile: options.ledgerFile })
  })
  const openAi = yield* makeOpenAiSandbox({ port: options.openAiPort ?? 0 })
  const web = yield* makeDemoWeb(world, options.webPort ?? 0)
  return { world, telegram, openAi, web }
})

export type Sandbox = Effect.Success<ReturnType<typeof startSandbox>>
