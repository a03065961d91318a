/**
 * The services of the outside by what credentials there are: the real ones,
 * the sandbox's where that was asked for, or none, with the reason.
 */
import { Duration, Effect, Layer, Redacted } from "effect"
import * as os from "node:os"
import * as path from "node:path"
import * as fs from "node:fs"
import { randomBytes } from "node:crypto"
import type { Settings } from "../config/settings.ts"
import { filesFolder, layerBlobs, layerFolder } from "./blobStore.ts"
import type { Outside } from "./credentials.ts"
import type { Sandbox } from "../sandbox/Sandbox.ts"
import { layerOpenAi } from "../services/ai/OpenAi.ts"
import { layerHttpFeeds } from "../services/feeds/HttpFeeds.ts"
import { TelegramWeb } from "../services/feeds/TelegramWeb.ts"
import { layerSharpImages } from "../services/images/SharpImages.ts"
import { WorkFolder } from "../services/images/WorkFolder.ts"
import * as GramJsGateway from "../services/telegram/GramJsGateway.ts"
import { SafeFetch } from "../services/web/SafeFetch.ts"

const secretOr = (secret: Redacted.Redacted | null): Redacted.Redacted =>
  secret ?? Redacted.make(randomBytes(24).toString("hex"))

const sandboxApiId = 1

const telegramLayer = (settings: Settings, sandbox: Sandbox | null) =>
  sandbox === null
    ? GramJsGateway.layer({
        apiId: Number(settings.telegramApiId ?? 0),
        apiHash: settings.telegramApiHash ?? Redacted.make(""),
        ...(settings.telegramSession === null ? {} : { session: settings.telegramSession }),
        ...(settings.telegramBotToken === null ? {} : { botToken: settings.telegramBotToken }),
        server: "production",
        timeout: settings.telegramTimeoutMs,
        sendTimeout: settings.publishTimeoutMs
      })
    : GramJsGateway.layer({
        apiId: sandboxApiId,
        apiHash: Redacted.make("sandbox"),
        session: Redacted.make(sandbox.telegram.mintSession()),
        server: {
          host: "127.0.0.1",
          port: sandbox.telegram.port,
          dc: sandbox.telegram.dc,
          publicKey: sandbox.telegram.publicKey
        },
        timeout: settings.telegramTimeoutMs,
        sendTimeout: settings.publishTimeoutMs
      })

const modelsLayer = (settings: Settings, sandbox: Sandbox | null) =>
  layerOpenAi({
    apiKey: sandbox === null ? (settings.openAiKey ?? Redacted.make("none")) : Redacted.make(sandbox.openAi.apiKey),
    baseUrl: sandbox === null ? settings.openAiUrl : sandbox.openAi.baseUrl,
    model: settings.openAiModel,
    imageModel: settings.openAiImageModel,
    timeout: Duration.millis(settings.openAiTimeoutMs),
    imageTimeout: Duration.millis(settings.openAiImageTimeoutMs),
    userKey: secretOr(settings.userSecret)
  })

/**
 * Files of the installation: blobs, and the folder where the converter works. It is the one where the store writes:
 * what a killed process left there goes at a later start.
 */
export const layerFiles = (dataDir: string, blobs = layerFolder({ dataDir, diskReserveMib: 0 })) => {
  const work = path.join(filesFolder(dataDir), "incoming")
  return Layer.mergeAll(
    blobs,
    Layer.effect(
      WorkFolder,
      Effect.sync(() => {
        fs.mkdirSync(work, { recursive: true, mode: 0o700 })
        return work
      })
    ),
    layerSharpImages({ processes: os.availableParallelism() })
  )
}

/** All services the actors use. `allowed` are addresses on private networks that may be fetched, besides the sandbox's. */
export const layerOutside = (
  settings: Settings,
  outside: Outside,
  sandbox: Sandbox | null,
  allowed: ReadonlyArray<string> = []
) => {
  const web = SafeFetch.layer({ allowedOrigins: [...allowed, ...(sandbox === null ? [] : [sandbox.web.baseUrl])] })
  return Layer.mergeAll(
    telegramLayer(settings, outside.usesSandbox.telegram ? sandbox : null),
    modelsLayer(settings, outside.usesSandbox.models ? sandbox : null),
    layerHttpFeeds(),
    TelegramWeb.layer(sandbox === null ? {} : { baseUrl: sandbox.web.baseUrl }),
    layerFiles(settings.dataDir, layerBlobs(settings))
  ).pipe(Layer.provideMerge(web))
}
