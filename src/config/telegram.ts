/** The Telegram account that reads and posts. */
import { optional, secret, time } from "./Setting.ts"

export const telegramApiId = optional({
  key: "TELEGRAM_API_ID",
  about: "The application's id at Telegram. Without it and a session, the sandbox or nothing takes its place.",
  shape: "a number",
  example: "123456"
})

export const telegramApiHash = secret({
  key: "TELEGRAM_API_HASH",
  about: "The application's hash at Telegram.",
  shape: "32 hex digits",
  example: "0123456789abcdef0123456789abcdef"
})

export const telegramSession = secret({
  key: "TELEGRAM_SESSION",
  about: "Session string of the account. It is the account: keep it like a password and use it in one place only.",
  shape: "a session string",
  example: "1BAAOMTQ5..."
})

export const telegramBotToken = secret({
  key: "TELEGRAM_BOT_TOKEN",
  about: "Token of a bot, in place of a session. Bots can post, but cannot read channels they are not in.",
  shape: "a bot token",
  example: "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
})

export const telegramTimeout = time({
  key: "TELEGRAM_TIMEOUT",
  about: "How long a call to Telegram may take.",
  fallback: "60 seconds"
})

export const publishTimeout = time({
  key: "PUBLISH_TIMEOUT",
  about: "How long sending a post may take before its outcome counts as unknown (it is sent again under the same id).",
  fallback: "45 seconds"
})
