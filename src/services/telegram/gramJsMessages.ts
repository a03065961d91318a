/** GramJS's messages, channels and updates as Postroom's plain data. */
import { Api } from "telegram/tl/index.js"
import { fromTlEntities } from "./tlEntities.ts"
import type { TelegramForward, TelegramMedia, TelegramMessage, TelegramPeer } from "./TelegramMessage.ts"

/** A channel as a peer; `undefined` for anything that is not one or that this account may not see. */
export const toPeer = (chat: Api.TypeChat | undefined): TelegramPeer | undefined => {
  if (!(chat instanceof Api.Channel) || chat.accessHash === undefined || chat.accessHash === null) return undefined
  return {
    channelId: chat.id.toString(),
    accessHash: chat.accessHash.toString(),
    title: chat.title,
    ...(typeof chat.username === "string" ? { username: chat.username } : {}),
    ...(chat.noforwards === true ? { noForwards: true } : {})
  }
}

interface SizeOfPhoto {
  readonly type: string
  readonly width: number
  readonly height: number
  readonly bytes: number
}

const photoSize = (size: Api.TypePhotoSize): SizeOfPhoto | undefined => {
  if (size instanceof Api.PhotoSize) return { type: size.type, width: size.w, height: size.h, bytes: size.size }
  if (size instanceof Api.PhotoSizeProgressive) {
    return { type: size.type, width: size.w, height: size.h, bytes: size.sizes.at(-1) ?? 0 }
  }
  return undefined
}

const toPhoto = (photo: Api.TypePhoto | undefined): TelegramMedia | undefined => {
  if (!(photo instanceof Api.Photo)) return undefined
  const largest = photo.sizes
    .flatMap((size) => photoSize(size) ?? [])
    .sort((a, b) => b.width * b.height - a.width * a.height)[0]
  if (largest === undefined) return undefined
  return {
    kind: "photo",
    id: photo.id.toString(),
    accessHash: photo.accessHash.toString(),
    fileReference: Buffer.from(photo.fileReference).toString("base64"),
    dcId: photo.dcId,
    size: largest.bytes,
    mime: "image/jpeg",
    width: largest.width,
    height: largest.height,
    thumbSize: largest.type
  }
}

const toDocument = (document: Api.TypeDocument | undefined): TelegramMedia | undefined => {
  if (!(document instanceof Api.Document)) return undefined
  const video = document.attributes.find((attribute) => attribute instanceof Api.DocumentAttributeVideo)
  const image = document.attributes.find((attribute) => attribute instanceof Api.DocumentAttributeImageSize)
  const sized = video ?? image
  return {
    kind: video === undefined ? "document" : "video",
    id: document.id.toString(),
    accessHash: document.accessHash.toString(),
    fileReference: Buffer.from(document.fileReference).toString("base64"),
    dcId: document.dcId,
    size: Number(document.size),
    mime: document.mimeType,
    ...(sized === undefined ? {} : { width: sized.w, height: sized.h })
  }
}

/** A photo or file of a message; other kinds of media (polls, places, previews) have none. */
const toMedia = (media: Api.TypeMessageMedia | null | undefined): TelegramMedia | undefined => {
  if (media instanceof Api.MessageMediaPhoto) return toPhoto(media.photo)
  if (media instanceof Api.MessageMediaDocument) return toDocument(media.document)
  return undefined
}

const toForward = (header: Api.TypeMessageFwdHeader): TelegramForward => ({
  date: header.date,
  ...(header.fromId instanceof Api.PeerChannel ? { channelId: header.fromId.channelId.toString() } : {}),
  ...(typeof header.channelPost === "number" ? { messageId: header.channelPost } : {}),
  ...(typeof header.fromName === "string" ? { name: header.fromName } : {})
})

/** One message; `undefined` for an id that is gone. */
const toMessage = (message: Api.TypeMessage): TelegramMessage | undefined => {
  if (message instanceof Api.MessageService) {
    return { id: message.id, date: message.date, text: "", entities: [], service: true }
  }
  if (!(message instanceof Api.Message)) return undefined
  const media = toMedia(message.media)
  const replyTo = message.replyTo instanceof Api.MessageReplyHeader ? message.replyTo.replyToMsgId : undefined
  return {
    id: message.id,
    date: message.date,
    text: message.message,
    entities: fromTlEntities(message.entities),
    ...(typeof message.editDate === "number" ? { editDate: message.editDate } : {}),
    ...(message.groupedId === undefined || message.groupedId === null
      ? {}
      : { groupedId: message.groupedId.toString() }),
    ...(media === undefined ? {} : { media }),
    ...(message.fwdFrom === undefined || message.fwdFrom === null ? {} : { forward: toForward(message.fwdFrom) }),
    ...(typeof replyTo === "number" ? { replyTo } : {}),
    ...(message.noforwards === true ? { noForwards: true } : {})
  }
}

/** The messages of an answer that lists some. */
export const toMessages = (answer: Api.messages.TypeMessages): ReadonlyArray<TelegramMessage> =>
  "messages" in answer ? answer.messages.flatMap((message) => toMessage(message) ?? []) : []

/**
 * Ids a send was answered with, by random id. `duplicate`: the server repeated its first answer, which it marks by
 * a pts count of 0.
 */
export const sentMessages = (
  answer: Api.TypeUpdates
): {
  readonly byRandomId: ReadonlyMap<string, number>
  readonly all: ReadonlyArray<number>
  readonly duplicate: boolean
} => {
  if (answer instanceof Api.UpdateShortSentMessage) {
    return { byRandomId: new Map(), all: [answer.id], duplicate: answer.ptsCount === 0 }
  }
  const updates = "updates" in answer ? answer.updates : []
  const byRandomId = new Map<string, number>()
  const all: Array<number> = []
  let counted = 0
  for (const update of updates) {
    if (update instanceof Api.UpdateMessageID) byRandomId.set(String(update.randomId), update.id)
    if (update instanceof Api.UpdateNewChannelMessage || update instanceof Api.UpdateNewMessage) {
      all.push(update.message.id)
      counted += update.ptsCount
    }
  }
  return { byRandomId, all, duplicate: all.length > 0 && counted === 0 }
}
