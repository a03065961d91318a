/** Writes `.env.example` from the settings, so that it cannot fall behind them. */
import * as files from "./files.ts"
import * as http from "./http.ts"
import * as kafka from "./kafka.ts"
import * as models from "./models.ts"
import { queueSettings } from "./queue.ts"
import * as runtime from "./runtime.ts"
import type { Setting } from "./Setting.ts"
import * as storage from "./storage.ts"
import * as telegram from "./telegram.ts"

const sections: ReadonlyArray<readonly [string, ReadonlyArray<Setting<unknown>>]> = [
  ["Storage", [storage.dataDir, storage.databaseUrl]],
  [
    "Kafka",
    [kafka.kafkaBrokers, kafka.kafkaPrefix, kafka.kafkaTls, kafka.kafkaSasl, kafka.kafkaUser, kafka.kafkaPassword]
  ],
  [
    "Files",
    [
      files.uploadMax,
      files.diskReserve,
      files.blobGrace,
      files.blobOrphanLife,
      files.deletedLife,
      files.exportMaxItems,
      files.exportMax,
      files.exportLife,
      files.blobsS3Url,
      files.blobsS3Region,
      files.blobsS3Key,
      files.blobsS3Secret
    ]
  ],
  ["API", [http.httpHost, http.httpPort, http.metricsPort]],
  ["Processes", [runtime.slots, runtime.drainTime, runtime.logLevel]],
  [
    "Models",
    [
      models.openAiKey,
      models.openAiUrl,
      models.openAiModel,
      models.openAiImageModel,
      models.openAiTimeout,
      models.openAiImageTimeout,
      models.userSecret
    ]
  ],
  [
    "Telegram",
    [
      telegram.telegramApiId,
      telegram.telegramApiHash,
      telegram.telegramSession,
      telegram.telegramBotToken,
      telegram.telegramTimeout,
      telegram.publishTimeout
    ]
  ]
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
