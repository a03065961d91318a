/**
 * The Telegram gateway on GramJS, by raw requests only: its own helpers choose random ids, parse Markdown out of
 * links and sleep out floods, all of which would break what Postroom promises.
 */
import { Effect, Layer, Redacted } from "effect"
import { makeGramJsAccount } from "./GramJsAccount.ts"
import { inputPeer } from "./gramJsInputs.ts"
import type { DataCentreAddress } from "./GramJsLink.ts"
import { allGramJsPatches, installGramJsPatches, trustServerKey, type GramJsPatch } from "./gramJsPatches.ts"
import { makeReading } from "./GramJsReading.ts"
import { makeSending } from "./GramJsSending.ts"
import { downloadFile, uploadStoredPhoto } from "./GramJsTransfer.ts"
import { TelegramGateway } from "./TelegramGateway.ts"

/** A server other than Telegram's: where it listens and the RSA key it proves itself with. */
export interface TelegramServerAddress extends DataCentreAddress {
  readonly publicKey: { readonly n: string; readonly e: number; readonly fingerprint: string }
}

/**
 * How to reach Telegram as one account. Give a `session` string or a `botToken`. Times are milliseconds: `timeout`
 * for each call (30 s), `sendTimeout` for each send (60 s), `transferTimeout` for each part of a file (60 s).
 */
export interface GramJsGatewayOptions {
  readonly apiId: number
  readonly apiHash: Redacted.Redacted
  readonly session?: Redacted.Redacted
  readonly botToken?: Redacted.Redacted
  readonly server: TelegramServerAddress | "production"
  readonly timeout?: number
  readonly sendTimeout?: number
  readonly transferTimeout?: number
  readonly connectTimeout?: number
  readonly requestRetries?: number
  readonly keepAlive?: number
  /** Only tests leave patches out, to show what they are for. */
  readonly patches?: ReadonlyArray<GramJsPatch>
}

const production: DataCentreAddress = { host: "149.154.167.50", port: 443, dc: 2 }
const productionHosts: Readonly<Record<number, string>> = {
  1: "149.154.175.53",
  2: "149.154.167.50",
  3: "149.154.175.100",
  4: "149.154.167.91",
  5: "91.108.56.130"
}

/** A session string names its data centre in its first byte; a bot may start at any. */
const addressOf = (options: GramJsGatewayOptions): DataCentreAddress => {
  if (options.server !== "production") return options.server
  if (options.session === undefined) return production
  const dc = Buffer.from(Redacted.value(options.session).slice(1), "base64")[0] ?? production.dc
  return { host: productionHosts[dc] ?? production.host, port: 443, dc }
}

/**
 * The gateway of one account. Building it does no I/O: the first call connects. Closing the scope ends every
 * connection and leaves no timer.
 */
export const layer = (options: GramJsGatewayOptions): Layer.Layer<TelegramGateway> =>
  Layer.effect(
    TelegramGateway,
    Effect.gen(function* () {
      yield* Effect.acquireRelease(
        Effect.sync(() => installGramJsPatches(options.patches ?? allGramJsPatches)),
        (uninstall) => Effect.sync(uninstall)
      )
      if (options.server !== "production") trustServerKey(options.server.publicKey)
      const timeout = options.timeout ?? 30_000
      const account = yield* makeGramJsAccount({
        apiId: options.apiId,
        apiHash: Redacted.value(options.apiHash),
        address: addressOf(options),
        session: options.session === undefined ? undefined : Redacted.value(options.session),
        botToken: options.botToken === undefined ? undefined : Redacted.value(options.botToken),
        connectTimeout: options.connectTimeout ?? 10_000,
        timeout,
        requestRetries: options.requestRetries ?? 3,
        keepAlive: options.keepAlive ?? 60_000
      })
      const transferTimeout = options.transferTimeout ?? 60_000
      return {
        ...makeReading(account),
        ...makeSending(account, options.sendTimeout ?? 60_000),
        download: Effect.fn("TelegramGateway.download")(function* (media) {
          return yield* downloadFile(account, media, transferTimeout)
        }),
        uploadPhoto: Effect.fn("TelegramGateway.uploadPhoto")(function* (peer, bytes, name) {
          return yield* uploadStoredPhoto(account, inputPeer(peer), bytes, name, transferTimeout)
        })
      }
    })
  )
