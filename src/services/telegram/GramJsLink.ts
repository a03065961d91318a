/* oxlint-disable no-underscore-dangle -- members of GramJS that have no public name */
/**
 * One connected GramJS client and nothing more: it connects once, tells when it is lost, and ends at once and
 * completely. It never reconnects; whoever holds it opens another.
 */
import { Deferred, Effect } from "effect"
import { TelegramClient } from "telegram/client/TelegramClient.js"
import { Logger, LogLevel } from "telegram/extensions/Logger.js"
import { ConnectionTCPFull } from "telegram/network/index.js"
import { StringSession } from "telegram/sessions/index.js"
import { Api } from "telegram/tl/index.js"
import { ownConnection } from "./gramJsPatches.ts"
import { fromRpcError, type CallPurpose } from "./rpcError.ts"
import { Rejected, Unavailable, type TelegramErrorReason } from "./TelegramError.ts"

/** Where a data centre listens. */
export interface DataCentreAddress {
  readonly host: string
  readonly port: number
  readonly dc: number
}

/** How to connect. `session` is a GramJS session string, `""` for a new key; times are milliseconds. */
export interface LinkOptions {
  readonly apiId: number
  readonly apiHash: string
  readonly address: DataCentreAddress
  readonly session: string
  readonly connectTimeout: number
}

/** A request GramJS can send, and its answer. */
export interface Request<A> {
  readonly __response: A
}

export interface Link {
  /** Sends one request. Fails with the reason of a refusal, or with the one the link was lost for. */
  readonly invoke: <A>(request: Request<A>, purpose: CallPurpose) => Effect.Effect<A, TelegramErrorReason>
  /** Whether the link can no longer be used. */
  readonly isLost: () => boolean
  /** The session string of the key in use. */
  readonly session: () => string
  /** Ends the link now; calls in flight fail as lost. */
  readonly close: Effect.Effect<void>
}

/** Members of GramJS that are not in its public types. */
interface Sender {
  readonly send: (request: unknown) => Promise<unknown>
  userDisconnected: boolean
  _userConnected: boolean
  readonly _connection?: {
    _connected: boolean
    readonly _recvArray: { readonly push: (item: undefined) => unknown }
    readonly _sendArray: { readonly push: (item: undefined) => unknown }
    readonly socket: { closed: boolean; readonly client?: { readonly destroy: () => void } }
  }
}

const senderOf = (client: TelegramClient): Sender | undefined => client._sender as unknown as Sender | undefined

/** Ends a client without its own `destroy`, which leaves timers and waits for the network. */
const dispose = (client: TelegramClient): void => {
  client._destroyed = true
  const sender = senderOf(client)
  if (sender === undefined) return
  sender.userDisconnected = true
  sender._userConnected = false
  const connection = sender._connection
  if (connection === undefined) return
  connection._connected = false
  connection.socket.closed = true
  connection.socket.client?.destroy()
  connection._recvArray.push(undefined)
  connection._sendArray.push(undefined)
}

/** The reason behind whatever GramJS rejected with. */
const reasonOf = (error: unknown, purpose: CallPurpose): TelegramErrorReason => {
  if (typeof error === "object" && error !== null && "serverText" in error && "serverCode" in error) {
    return fromRpcError({ code: Number(error.serverCode), text: String(error.serverText) }, purpose)
  }
  const name = error instanceof Error ? error.constructor.name : ""
  const text = error instanceof Error ? error.message : String(error)
  if (name === "TypeNotFoundError" || name === "TypeError") return new Rejected({ code: 0, text })
  return new Unavailable({ text })
}

const makeClient = (options: LinkOptions): TelegramClient => {
  const session = new StringSession(options.session)
  const { host, port, dc } = options.address
  // The port of a session is written as a signed 16-bit number and never read: the connection carries the real one.
  session.setDC(dc, host, 443)
  class AddressedConnection extends ConnectionTCPFull {
    constructor(parameters: ConstructorParameters<typeof ConnectionTCPFull>[0]) {
      super({ ...parameters, ip: host, port })
    }
  }
  const client = new TelegramClient(session, options.apiId, options.apiHash, {
    connection: AddressedConnection,
    connectionRetries: 1,
    reconnectRetries: 1,
    requestRetries: 1,
    retryDelay: 0,
    floodSleepThreshold: 0,
    autoReconnect: true,
    securityChecks: true,
    baseLogger: new Logger(LogLevel.NONE)
  })
  // GramJS's loop of pings leaves timers behind and reconnects by itself.
  Object.assign(client, { _loopStarted: true })
  return client
}

/**
 * Connects: TCP, a new key when the session has none, and the first request that names this client. Fails within
 * `connectTimeout`, leaving nothing open.
 */
export const openLink = Effect.fnUntraced(function* (
  options: LinkOptions
): Effect.fn.Return<Link, TelegramErrorReason> {
  const client = yield* Effect.try({
    try: () => makeClient(options),
    catch: (error) => new Rejected({ code: 0, text: `the session cannot be used: ${String(error)}` })
  })
  const lost = yield* Deferred.make<never, TelegramErrorReason>()
  let isLost = false
  const lose = (reason: TelegramErrorReason) => {
    isLost = true
    Deferred.doneUnsafe(lost, Effect.fail(reason))
    dispose(client)
  }
  ownConnection(client, (code) =>
    lose(
      code === 0 ? new Unavailable({ text: "the connection was lost" }) : fromRpcError({ code, text: "" }, "account")
    )
  )
  const orLost = Effect.raceFirst(Deferred.await(lost))

  yield* Effect.tryPromise({ try: () => client.connect(), catch: (error) => reasonOf(error, "account") }).pipe(
    Effect.filterOrFail(
      (connected) => connected,
      () => new Unavailable({ text: "no connection could be made" })
    ),
    orLost,
    Effect.timeoutOrElse({
      duration: options.connectTimeout,
      orElse: () => Effect.fail(new Unavailable({ text: "connecting took too long" }))
    }),
    Effect.onExit((exit) => (exit._tag === "Failure" ? Effect.sync(() => dispose(client)) : Effect.void))
  )

  return {
    invoke: <A>(request: Request<A>, purpose: CallPurpose) =>
      Effect.suspend(() => {
        const sender = senderOf(client)
        if (sender === undefined || isLost) return Effect.fail(new Unavailable({ text: "the connection was lost" }))
        return Effect.tryPromise({
          try: () => sender.send(request) as Promise<A>,
          catch: (error) => reasonOf(error, purpose)
        }).pipe(
          Effect.flatMap((answer) =>
            // GramJS does not look for an error inside a gzipped answer.
            answer instanceof Api.RpcError
              ? Effect.fail(fromRpcError({ code: answer.errorCode, text: answer.errorMessage }, purpose))
              : Effect.succeed(answer)
          ),
          orLost
        )
      }),
    isLost: () => isLost,
    session: () => client.session.save() as unknown as string,
    close: Effect.sync(() => lose(new Unavailable({ text: "the connection was closed" })))
  }
})
