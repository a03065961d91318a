/** All settings of a process, read once at its start. */
import { Effect } from "effect"
import * as files from "./files.ts"
import * as http from "./http.ts"
import * as kafka from "./kafka.ts"
import * as models from "./models.ts"
import * as runtime from "./runtime.ts"
import { read } from "./Setting.ts"
import * as storage from "./storage.ts"
import * as telegram from "./telegram.ts"

/** Reads everything but the queues' own settings; the first wrong value is the error. */
export const readSettings = Effect.gen(function* () {
  return {
    dataDir: yield* read(storage.dataDir),
    databaseUrl: yield* read(storage.databaseUrl),
    kafkaBrokers: yield* read(kafka.kafkaBrokers),
    kafkaPrefix: yield* read(kafka.kafkaPrefix),
    kafkaTls: yield* read(kafka.kafkaTls),
    kafkaSasl: yield* read(kafka.kafkaSasl),
    kafkaUser: yield* read(kafka.kafkaUser),
    kafkaPassword: yield* read(kafka.kafkaPassword),
    httpHost: yield* read(http.httpHost),
    httpPort: yield* read(http.httpPort),
    metricsPort: yield* read(http.metricsPort),
    uploadMaxMib: yield* read(files.uploadMax),
    diskReserveMib: yield* read(files.diskReserve),
    blobGraceMs: yield* read(files.blobGrace),
    blobOrphanLifeMs: yield* read(files.blobOrphanLife),
    deletedLifeMs: yield* read(files.deletedLife),
    exportMaxItems: yield* read(files.exportMaxItems),
    exportMaxMib: yield* read(files.exportMax),
    exportLifeMs: yield* read(files.exportLife),
    blobsS3Url: yield* read(files.blobsS3Url),
    blobsS3Region: yield* read(files.blobsS3Region),
    blobsS3Key: yield* read(files.blobsS3Key),
    blobsS3Secret: yield* read(files.blobsS3Secret),
    slots: yield* read(runtime.slots),
    drainMs: yield* read(runtime.drainTime),
    logLevel: yield* read(runtime.logLevel),
    openAiKey: yield* read(models.openAiKey),
    openAiUrl: yield* read(models.openAiUrl),
    openAiModel: yield* read(models.openAiModel),
    openAiImageModel: yield* read(models.openAiImageModel),
    openAiTimeoutMs: yield* read(models.openAiTimeout),
    openAiImageTimeoutMs: yield* read(models.openAiImageTimeout),
    userSecret: yield* read(models.userSecret),
    telegramApiId: yield* read(telegram.telegramApiId),
    telegramApiHash: yield* read(telegram.telegramApiHash),
    telegramSession: yield* read(telegram.telegramSession),
    telegramBotToken: yield* read(telegram.telegramBotToken),
    telegramTimeoutMs: yield* read(telegram.telegramTimeout),
    publishTimeoutMs: yield* read(telegram.publishTimeout)
  }
})

export type Settings = Effect.Success<typeof readSettings>
