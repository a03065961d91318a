/** GramJS clients without the gateway: to show what GramJS does by itself and to send what no client would. */
import { Effect, type Scope } from "effect"
import { TelegramClient } from "telegram/client/TelegramClient.js"
import { Logger, LogLevel } from "telegram/extensions/Logger.js"
import { ConnectionTCPFull } from "telegram/network/index.js"
import { StringSession } from "telegram/sessions/index.js"
import type { TelegramServerHandle } from "../../../src/sandbox/telegram/TelegramServer.ts"
import { openLink, type Link } from "../../../src/services/telegram/GramJsLink.ts"
import {
  allGramJsPatches,
  installGramJsPatches,
  trustServerKey,
  type GramJsPatch
} from "../../../src/services/telegram/gramJsPatches.ts"
import type { TelegramErrorReason } from "../../../src/services/telegram/TelegramError.ts"

/** All patches but these. */
export const without = (...left: ReadonlyArray<GramJsPatch>): ReadonlyArray<GramJsPatch> =>
  allGramJsPatches.filter((patch) => !left.includes(patch))

/** Patches GramJS for the rest of the scope. */
export const patched = (patches: ReadonlyArray<GramJsPatch>): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => installGramJsPatches(patches)),
      (undo) => Effect.sync(undo)
    )
  )

/** One link to the server with these patches, for the rest of the scope. */
export const link = (
  server: TelegramServerHandle,
  options: {
    readonly patches?: ReadonlyArray<GramJsPatch>
    readonly session?: string
    readonly connectTimeout?: number
  } = {}
): Effect.Effect<Link, TelegramErrorReason, Scope.Scope> =>
  Effect.gen(function* () {
    yield* patched(options.patches ?? allGramJsPatches)
    trustServerKey(server.publicKey)
    const open = openLink({
      apiId: 1,
      apiHash: "hash",
      address: { host: "127.0.0.1", port: server.port, dc: server.dc },
      session: options.session ?? server.mintSession(),
      connectTimeout: options.connectTimeout ?? 5000
    })
    return yield* Effect.acquireRelease(open, (opened) => opened.close)
  })

/** A plain GramJS client over any of its transports, connected and signed in, destroyed with the scope. */
export const plainClient = (
  server: TelegramServerHandle,
  Transport: typeof ConnectionTCPFull = ConnectionTCPFull
): Effect.Effect<TelegramClient, never, Scope.Scope> =>
  Effect.gen(function* () {
    yield* patched(without("ownedReconnect"))
    trustServerKey(server.publicKey)
    const client = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const { port } = server
        class Local extends Transport {
          constructor(parameters: ConstructorParameters<typeof ConnectionTCPFull>[0]) {
            super({ ...parameters, ip: "127.0.0.1", port })
          }
        }
        const baseLogger = new Logger(LogLevel.NONE)
        const options = { connection: Local, connectionRetries: 1, retryDelay: 0, baseLogger }
        return new TelegramClient(new StringSession(server.mintSession()), 1, "hash", options)
      }),
      (client) => Effect.promise(() => client.destroy())
    )
    Object.assign(client, { _loopStarted: true })
    yield* Effect.promise(() => client.connect())
    return client
  })
