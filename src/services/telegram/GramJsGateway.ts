/**
 * The Telegram gateway on GramJS, by raw requests only: its own helpers choose random ids, parse Markdown out of
 * links and sleep out floods, all of which would break what Postroom promises.
 */
import { Effect, Layer, Redacted } from "effect"
import { returnBigInt } from "telegram/Helpers.js"
import { Api } from "telegram/tl/index.js"
import { makeGramJsAccount, type CallKind, type GramJsAccount } from "./GramJsAccount.ts"
import type { DataCentreAddress, Request } from "./GramJsLink.ts"
import { sentMessages, toMessages, toPeer } from "./gramJsMessages.ts"
import { allGramJsPatches, installGramJsPatches, trustServerKey, type GramJsPatch } from "./gramJsPatches.ts"
import { downloadFile, uploadStoredPhoto } from "./GramJsTransfer.ts"
import { Rejected, SourceGone, TelegramError, type TelegramErrorReason } from "./TelegramError.ts"
import { TelegramGateway } from "./TelegramGateway.ts"
import type { PhotoToSend, SendResult, StoredPhoto, TelegramMessage, TelegramPeer } from "./TelegramMessage.ts"
import { toTlEntities } from "./tlEntities.ts"

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

const pageSize = 100
const inputPeer = (peer: TelegramPeer) =>
  new Api.InputPeerChannel({ channelId: returnBigInt(peer.channelId), accessHash: returnBigInt(peer.accessHash) })
const inputChannel = (peer: TelegramPeer) =>
  new Api.InputChannel({ channelId: returnBigInt(peer.channelId), accessHash: returnBigInt(peer.accessHash) })
const inputPhoto = (photo: StoredPhoto) =>
  new Api.InputMediaPhoto({
    id: new Api.InputPhoto({
      id: returnBigInt(photo.id),
      accessHash: returnBigInt(photo.accessHash),
      fileReference: Buffer.from(photo.fileReference, "base64")
    })
  })
const reply = (to: number | undefined) =>
  to === undefined ? {} : { replyTo: new Api.InputReplyToMessage({ replyToMsgId: to }) }
const fail = (operation: string, reason: TelegramErrorReason) => Effect.fail(new TelegramError({ operation, reason }))

const read = (operation: string): CallKind => ({ operation, purpose: "read" })

/** Reads posts above `minId`, oldest first, page by page until `limit` or the newest. */
const readHistory = Effect.fnUntraced(function* (
  account: GramJsAccount,
  peer: TelegramPeer,
  minId: number,
  limit: number
) {
  const found: Array<TelegramMessage> = []
  let from = minId
  while (found.length < limit) {
    const offsetId = from + 1
    // A negative offset of a whole page asks for the posts from `offsetId` upwards; `minId` alone gives the newest.
    const answer = yield* account.call(
      read("history"),
      () =>
        new Api.messages.GetHistory({
          peer: inputPeer(peer),
          offsetId,
          offsetDate: 0,
          addOffset: -pageSize,
          limit: pageSize,
          maxId: 0,
          minId: 0,
          hash: returnBigInt(0)
        })
    )
    const page = toMessages(answer)
      .filter((message) => message.id > from)
      .sort((a, b) => a.id - b.id)
    const last = page.at(-1)
    if (last === undefined) break
    found.push(...page)
    from = last.id
  }
  return found.slice(0, limit)
})

/** Finds posts that Telegram says it has: the newest run of messages with these texts and photos, in order. */
const findSent = (
  history: ReadonlyArray<TelegramMessage>,
  items: ReadonlyArray<{ readonly text: string; readonly photoId?: string }>
): ReadonlyArray<number> => {
  const same = (message: TelegramMessage | undefined, item: { readonly text: string; readonly photoId?: string }) =>
    message !== undefined && message.text === item.text && message.media?.id === item.photoId
  for (let start = history.length - items.length; start >= 0; start--) {
    if (items.every((item, index) => same(history[start + index], item))) {
      return items.map((_, index) => history[start + index]!.id)
    }
  }
  return []
}

const makeGateway = (
  account: GramJsAccount,
  sendTimeout: number,
  transferTimeout: number
): TelegramGateway["Service"] => {
  const send = Effect.fnUntraced(function* (
    operation: string,
    peer: TelegramPeer,
    items: ReadonlyArray<{ readonly randomId: string; readonly text: string; readonly photoId?: string }>,
    request: () => Request<Api.TypeUpdates>
  ): Effect.fn.Return<SendResult, TelegramError> {
    const kind: CallKind = { operation, purpose: "send", timeout: sendTimeout }
    const answer = yield* account.call(kind, request).pipe(
      Effect.catchIf(
        (error) => error.reason._tag === "AlreadySent",
        () => Effect.succeed(undefined)
      )
    )
    if (answer !== undefined) {
      const sent = sentMessages(answer)
      const ids = items.map((item, index) => sent.byRandomId.get(item.randomId) ?? sent.all[index])
      return { messageIds: ids.filter((id) => id !== undefined), duplicate: sent.duplicate }
    }
    const newest = yield* account.call(
      read(operation),
      () =>
        new Api.messages.GetHistory({
          peer: inputPeer(peer),
          offsetId: 0,
          offsetDate: 0,
          addOffset: 0,
          limit: pageSize,
          maxId: 0,
          minId: 0,
          hash: returnBigInt(0)
        })
    )
    return { messageIds: findSent([...toMessages(newest)].reverse(), items), duplicate: true }
  })
  const textOf = (item: PhotoToSend) => ({
    randomId: item.randomId,
    text: item.caption ?? "",
    photoId: item.photo.id
  })

  return {
    me: account
      .call(read("me"), () => new Api.users.GetUsers({ id: [new Api.InputUserSelf()] }))
      .pipe(
        Effect.flatMap(([user]) =>
          user instanceof Api.User
            ? Effect.succeed({
                id: user.id.toString(),
                firstName: user.firstName ?? "",
                bot: user.bot === true,
                ...(typeof user.username === "string" ? { username: user.username } : {})
              })
            : fail("me", new Rejected({ code: 0, text: "nobody is signed in" }))
        ),
        Effect.withSpan("TelegramGateway.me")
      ),
    limits: account.config.pipe(
      Effect.map((config) => ({
        messageLengthMax: config.messageLengthMax > 0 ? config.messageLengthMax : 4096,
        captionLengthMax: config.captionLengthMax > 0 ? config.captionLengthMax : 1024
      })),
      Effect.catch(() => Effect.succeed({ messageLengthMax: 4096, captionLengthMax: 1024 }))
    ),
    resolve: Effect.fn("TelegramGateway.resolve")(function* (username) {
      const name = username.replace(/^@/, "")
      const answer = yield* account.call(read("resolve"), () => new Api.contacts.ResolveUsername({ username: name }))
      const peer = toPeer(answer.chats[0])
      if (peer !== undefined) return peer
      const reason = new SourceGone({ code: 0, text: `${name} is not a channel`, resolveAgain: false })
      return yield* new TelegramError({ operation: "resolve", reason })
    }),
    history: Effect.fn("TelegramGateway.history")(function* (peer, { minId, limit }) {
      return yield* readHistory(account, peer, minId, limit)
    }),
    byIds: Effect.fn("TelegramGateway.byIds")(function* (peer, ids) {
      const wanted = [...new Set(ids)].sort((a, b) => a - b)
      const found: Array<TelegramMessage> = []
      for (let from = 0; from < wanted.length; from += pageSize) {
        const id = wanted.slice(from, from + pageSize).map((one) => new Api.InputMessageID({ id: one }))
        const ask = () => new Api.channels.GetMessages({ channel: inputChannel(peer), id })
        found.push(...toMessages(yield* account.call(read("byIds"), ask)))
      }
      return found.sort((a, b) => a.id - b.id)
    }),
    download: Effect.fn("TelegramGateway.download")(function* (media) {
      return yield* downloadFile(account, media, transferTimeout)
    }),
    uploadPhoto: Effect.fn("TelegramGateway.uploadPhoto")(function* (peer, bytes, name) {
      return yield* uploadStoredPhoto(account, inputPeer(peer), bytes, name, transferTimeout)
    }),
    sendText: Effect.fn("TelegramGateway.sendText")(function* (peer, message) {
      const { randomId, text, entities = [], replyTo, silent, linkPreview } = message
      const request = () =>
        new Api.messages.SendMessage({
          peer: inputPeer(peer),
          message: text,
          randomId: returnBigInt(randomId),
          entities: toTlEntities(entities),
          ...reply(replyTo),
          ...(silent === true ? { silent } : {}),
          ...(linkPreview === false ? { noWebpage: true } : {})
        })
      return yield* send("sendText", peer, [{ randomId, text }], request)
    }),
    sendPhoto: Effect.fn("TelegramGateway.sendPhoto")(function* (peer, message) {
      const request = () =>
        new Api.messages.SendMedia({
          peer: inputPeer(peer),
          media: inputPhoto(message.photo),
          message: message.caption ?? "",
          randomId: returnBigInt(message.randomId),
          entities: toTlEntities(message.entities ?? []),
          ...reply(message.replyTo),
          ...(message.silent === true ? { silent: true } : {})
        })
      return yield* send("sendPhoto", peer, [textOf(message)], request)
    }),
    sendAlbum: Effect.fn("TelegramGateway.sendAlbum")(function* (peer, items) {
      if (items.length < 2 || items.length > 10) {
        const reason = new Rejected({ code: 0, text: `an album of ${items.length} items` })
        return yield* new TelegramError({ operation: "sendAlbum", reason })
      }
      const request = () =>
        new Api.messages.SendMultiMedia({
          peer: inputPeer(peer),
          multiMedia: items.map(
            (item) =>
              new Api.InputSingleMedia({
                media: inputPhoto(item.photo),
                randomId: returnBigInt(item.randomId),
                message: item.caption ?? "",
                entities: toTlEntities(item.entities ?? [])
              })
          ),
          ...reply(items[0]?.replyTo),
          ...(items[0]?.silent === true ? { silent: true } : {})
        })
      return yield* send("sendAlbum", peer, items.map(textOf), request)
    }),
    edit: Effect.fn("TelegramGateway.edit")(function* (peer, messageId, { text, entities }) {
      const kind: CallKind = { operation: "edit", purpose: "send", timeout: sendTimeout }
      const request = () =>
        new Api.messages.EditMessage({
          peer: inputPeer(peer),
          id: messageId,
          message: text,
          entities: toTlEntities(entities)
        })
      yield* account.call(kind, request).pipe(
        Effect.catchIf(
          (error) => error.reason.text === "MESSAGE_NOT_MODIFIED",
          () => Effect.void
        )
      )
    }),
    delete: Effect.fn("TelegramGateway.delete")(function* (peer, messageIds) {
      if (messageIds.length === 0) return
      const kind: CallKind = { operation: "delete", purpose: "send", timeout: sendTimeout }
      yield* account.call(
        kind,
        () => new Api.channels.DeleteMessages({ channel: inputChannel(peer), id: [...messageIds] })
      )
    })
  }
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
      return makeGateway(account, options.sendTimeout ?? 60_000, options.transferTimeout ?? 60_000)
    })
  )
