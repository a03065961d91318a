/** Which credentials there are, and what follows: the real service, the sandbox in its place, or none, with the reason. */
import type { Missing } from "../actors/index.ts"
import type { Settings } from "../config/settings.ts"

/** What stands in for what: told to whoever starts the process. */
export interface Outside {
  readonly missing: Missing
  readonly usesSandbox: { readonly telegram: boolean; readonly models: boolean }
}

/** Which credentials are there; a sandbox fills the gaps. */
export const outsideOf = (settings: Settings, withSandbox: boolean): Outside => {
  const hasTelegram =
    settings.telegramApiId !== null &&
    settings.telegramApiHash !== null &&
    (settings.telegramSession !== null || settings.telegramBotToken !== null)
  const hasModels = settings.openAiKey !== null
  return {
    missing: {
      telegram:
        hasTelegram || withSandbox
          ? null
          : "no Telegram account: set TELEGRAM_API_ID, TELEGRAM_API_HASH and TELEGRAM_SESSION",
      models: hasModels || withSandbox ? null : "no models: set OPENAI_API_KEY"
    },
    usesSandbox: { telegram: !hasTelegram && withSandbox, models: !hasModels && withSandbox }
  }
}
