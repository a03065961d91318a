/**
 * A Telegram server over real TCP (MTProto 2.0, layer 198) with its state in memory: what `npm start` talks to when
 * no account is given, and what tests publish to. Lives in a scope: closing it ends every connection.
 */
import { createServer, type Server, type Socket } from "node:net"
import { randomBytes as nodeRandomBytes } from "node:crypto"
import { Cause, Clock, Context, Effect, FiberSet, Layer, type Scope } from "effect"
import { returnBigInt } from "telegram/Helpers.js"
import { Api } from "telegram/tl/index.js"
import { defaultAccount, makeAccounts, type Accounts } from "./Accounts.ts"
import { serveConnection } from "./Connection.ts"
import { makeDispatcher, type Call } from "./Dispatcher.ts"
import type { EncryptedSession } from "./EncryptedSession.ts"
import { makeFaultScript, type FaultScript } from "./Faults.ts"
import { makeFiles, makeUploads, type Files } from "./Files.ts"
import { makeLedger, type Ledger } from "./Ledger.ts"
import type { MethodContext, MethodSettings } from "./Method.ts"
import { publishDue } from "./methods/changing.ts"
import { makeRateLimiter, type RateLimits } from "./RateLimiter.ts"
import { generateServerKey, type ServerKey, type ServerPublicKey } from "./ServerKey.ts"
import { tlChannel, tlMessage } from "./TlMessages.ts"
import { makeWorld, type ChannelChange, type World } from "./World.ts"
import type { WorldModel } from "./WorldModel.ts"

/** How to start a server; everything but the world has a default. */
export interface TelegramServerOptions {
  readonly world: WorldModel
  /** 0 (the default) lets the system choose. */
  readonly port?: number
  readonly key?: ServerKey
  /** Keep files of the model in a second data centre, so that downloads must move there (FILE_MIGRATE). */
  readonly secondDataCentre?: boolean
  readonly settings?: Partial<MethodSettings>
  readonly rateLimits?: RateLimits
  /** Append the ledger to this file as JSON lines. */
  readonly ledgerFile?: string
  /** Answers larger than this many bytes are gzipped; 2048 when left out. */
  readonly gzipAbove?: number
  readonly randomBytes?: (count: number) => Buffer
}

/** A running server. */
export interface TelegramServerHandle {
  readonly port: number
  /** The data centre accounts live in. */
  readonly dc: number
  readonly publicKey: ServerPublicKey
  /** The public key as PKCS#1 PEM. */
  readonly pem: string
  readonly world: World
  readonly files: Files
  readonly faults: FaultScript
  readonly ledger: Ledger
  readonly accounts: Accounts
  /** A session string for an account (the first one when left out), already signed in. */
  readonly mintSession: (accountId?: string) => string
  /** The last ten thousand requests, oldest first. */
  readonly calls: () => ReadonlyArray<Call>
  /** Open connections. */
  readonly connections: () => number
  /** Cuts every open connection. */
  readonly dropConnections: () => void
}

const mainDc = 2
const mediaDc = 4

const listen = (port: number, onSocket: (socket: Socket) => void): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const server = createServer({ noDelay: true }, onSocket)
      server.once("error", (error) => resume(Effect.die(error)))
      server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
  )

const portOf = (server: Server): number => {
  const address = server.address()
  return address === null || typeof address === "string" ? 0 : address.port
}

/** Starts a server on 127.0.0.1; it listens when the effect succeeds and ends with the scope. */
export const startTelegramServer = Effect.fnUntraced(function* (
  options: TelegramServerOptions
): Effect.fn.Return<TelegramServerHandle, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const nowMillis = () => clock.currentTimeMillisUnsafe()
  const now = () => Math.trunc(nowMillis() / 1000)
  const randomBytes = options.randomBytes ?? ((count: number) => nodeRandomBytes(count))
  const key = options.key ?? generateServerKey()
  const files = makeFiles()
  const world = makeWorld(options.world, files, now, options.secondDataCentre === true ? mediaDc : mainDc)
  const accounts = makeAccounts(options.world.accounts ?? [defaultAccount], randomBytes)
  const ledger = yield* makeLedger(options.ledgerFile)
  const faults = makeFaultScript()
  const ports: Array<{ readonly id: number; readonly port: number }> = []
  const context: MethodContext = {
    world,
    accounts,
    files,
    uploads: makeUploads(),
    ledger,
    settings: {
      onRepeatedRandomId: "original",
      botsReadHistory: true,
      messageLengthMax: 4096,
      captionLengthMax: 1024,
      ...options.settings
    },
    dataCentres: () => ports,
    now,
    nowMillis,
    randomBytes
  }
  const limiter = options.rateLimits === undefined ? undefined : makeRateLimiter(options.rateLimits, nowMillis)
  const dispatcher = makeDispatcher(context, faults, limiter)
  const connections = new Map<Socket, EncryptedSession>()
  const fork = yield* FiberSet.makeRuntime<never, void>()
  const run = (effect: Effect.Effect<void>) =>
    void fork(
      Effect.tapCause(effect, (cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logError("the sandbox Telegram failed", cause)
      )
    )

  const push = async (change: ChannelChange, session: EncryptedSession) =>
    session.push(async ({ account }) => {
      // The sender has the update as its answer.
      if (change.kind === "new" && account?.id === change.posts[0]?.sentBy) return undefined
      const view = { accounts, files, account }
      const { channel, kind } = change
      const counted = { pts: channel.pts, ptsCount: change.posts.length }
      const updates: Array<Api.TypeUpdate> = []
      if (kind === "delete") {
        const messages = change.posts.map((post) => post.id)
        updates.push(new Api.UpdateDeleteChannelMessages({ channelId: returnBigInt(channel.id), messages, ...counted }))
      } else {
        for (const post of change.posts) {
          const message = await tlMessage(view, channel, post)
          updates.push(
            kind === "new"
              ? new Api.UpdateNewChannelMessage({ message, ...counted })
              : new Api.UpdateEditChannelMessage({ message, ...counted })
          )
        }
      }
      const chats = [tlChannel(view, channel)]
      return new Api.Updates({ updates, users: [], chats, date: now(), seq: 0 }).getBytes()
    })
  const unsubscribe = world.onChange((change) => {
    for (const session of connections.values()) run(Effect.promise(() => push(change, session)))
  })
  yield* Effect.addFinalizer(() => Effect.sync(unsubscribe))
  const dropConnections = () => {
    for (const socket of connections.keys()) socket.destroy()
  }

  for (const dc of options.secondDataCentre === true ? [mainDc, mediaDc] : [mainDc]) {
    const server = yield* listen(dc === mainDc ? (options.port ?? 0) : 0, (socket) =>
      run(
        serveConnection(socket, {
          session: {
            accounts,
            files,
            dispatcher,
            faults,
            dc,
            nowMillis,
            randomBytes,
            gzipAbove: options.gzipAbove ?? 2048
          },
          handshake: { key, now, randomBytes, onKey: (authKey) => void accounts.addKey(authKey) },
          onOpen: (session) => connections.set(socket, session),
          onClose: () => connections.delete(socket)
        })
      )
    )
    ports.push({ id: dc, port: portOf(server) })
    // Runs before the listener closes: a listener waits for its connections.
    yield* Effect.addFinalizer(() => Effect.sync(dropConnections))
  }
  run(
    Effect.forever(
      Effect.andThen(
        Effect.sleep("1 second"),
        Effect.sync(() => publishDue(context))
      )
    )
  )

  return {
    port: ports[0]?.port ?? 0,
    dc: mainDc,
    publicKey: key.publicKey,
    pem: key.pem,
    world,
    files,
    faults,
    ledger,
    accounts,
    mintSession: (accountId) => accounts.mintSession(accountId ?? accounts.list()[0]?.id ?? "", mainDc),
    calls: dispatcher.calls,
    connections: () => connections.size,
    dropConnections
  }
})

/** The running sandbox server as a service. */
export class TelegramServer extends Context.Service<TelegramServer, TelegramServerHandle>()(
  "postroom/sandbox/telegram/TelegramServer"
) {
  /** Starts a server for the life of the layer. */
  static readonly layer = (options: TelegramServerOptions): Layer.Layer<TelegramServer> =>
    Layer.effect(TelegramServer, startTelegramServer(options))
}
