/** Writes `.env.example` from the settings, so that it cannot fall behind them. */
import * as http from "./http.ts"
import * as models from "./models.ts"
import { queueSettings } from "./queue.ts"
import * as runtime from "./runtime.ts"
import type { Setting } from "./Setting.ts"
import * as storage from "./storage.ts"
import * as telegram from "./telegram.ts"

const sections: ReadonlyArray<readonly [string, ReadonlyArray<Setting<unknown>>]> = [
  ["Storage", Object.values(storage)],
  ["API", Object.values(http)],
  ["Processes", Object.values(runtime)],
  ["Models", Object.values(models)],
  ["Telegram", Object.values(telegram)]
]

const entry = (setting: Setting<unknown>): string =>
  `# ${setting.about}\n# ${setting.shape}; for example ${setting.example}\n#${setting.key}=${setting.fallback}\n`

/** The text of `.env.example`. */
export const envExample = (queues: ReadonlyArray<string>): string =>
  [
    "# Every key Postroom reads. All may stay unset; an empty value counts as unset.",
    "# Generated from src/config: change it there and run `npm run docs`.",
    "",
    ...sections.flatMap(([title, settings]) => [`## ${title}`, "", ...settings.map(entry)]),
    "## Queues",
    "",
    `# Each queue (${queues.join(", ")}, and your own) takes these; shown for one.`,
    "",
    ...Object.values(queueSettings(queues[0] ?? "name")).map(entry)
  ].join("\n")
