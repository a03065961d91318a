/** Posting with GramJS: every send carries its own random id, and a repeat of it is a success. */
import { Effect } from "effect"
import { returnBigInt } from "telegram/Helpers.js"
import { Api } from "telegram/tl/index.js"
import type { CallKind, GramJsAccount } from "./GramJsAccount.ts"
import { inputChannel, inputPeer, inputPhoto, reply } from "./gramJsInputs.ts"
import type { Request } from "./GramJsLink.ts"
import { sentMessages } from "./gramJsMessages.ts"
import { newestMessages } from "./GramJsReading.ts"
import { Rejected, TelegramError } from "./TelegramError.ts"
import type { TelegramGateway } from "./TelegramGateway.ts"
import type { PhotoToSend, SendResult, TelegramMessage, TelegramPeer } from "./TelegramMessage.ts"
import { toTlEntities } from "./tlEntities.ts"

interface SentItem {
  readonly randomId: string
  readonly text: string
  readonly photoId?: string
}

/** Finds posts that Telegram says it has: the newest run of messages with these texts and photos, in order. */
const findSent = (history: ReadonlyArray<TelegramMessage>, items: ReadonlyArray<SentItem>): ReadonlyArray<number> => {
  const same = (message: TelegramMessage | undefined, item: SentItem) =>
    message !== undefined && message.text.trim() === item.text.trim() && message.media?.id === item.photoId
  for (let start = history.length - items.length; start >= 0; start--) {
    if (items.every((item, index) => same(history[start + index], item))) {
      return items.map((_, index) => history[start + index]!.id)
    }
  }
  return []
}

type Sending = "sendText" | "sendPhoto" | "sendAlbum" | "edit" | "delete"

/** The posting half of the gateway; `sendTimeout` in milliseconds. */
export const makeSending = (account: GramJsAccount, sendTimeout: number): Pick<TelegramGateway["Service"], Sending> => {
  const send = Effect.fnUntraced(function* (
    operation: string,
    peer: TelegramPeer,
    items: ReadonlyArray<SentItem>,
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
    const newest = yield* newestMessages(account, operation, peer).pipe(
      // It was sent: not being allowed to look (a bot may not read history) cannot make it a failure.
      Effect.catchIf(
        (error) => !error.isRetryable,
        () => Effect.succeed([])
      )
    )
    return { messageIds: findSent(newest, items), duplicate: true }
  })
  const textOf = (item: PhotoToSend) => ({
    randomId: item.randomId,
    text: item.caption ?? "",
    photoId: item.photo.id
  })

  return {
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
      const distinct = new Set(items.map((item) => item.randomId)).size
      if (items.length < 2 || items.length > 10 || distinct < items.length) {
        const text = `an album of ${items.length} items with ${distinct} random ids`
        return yield* new TelegramError({ operation: "sendAlbum", reason: new Rejected({ code: 0, text }) })
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
