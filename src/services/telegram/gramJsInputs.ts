/** Peers and stored photos as the TL values requests name them by. */
import { returnBigInt } from "telegram/Helpers.js"
import { Api } from "telegram/tl/index.js"
import type { StoredPhoto, TelegramPeer } from "./TelegramMessage.ts"

/** The channel as an `InputPeer`, with the access hash of the account that resolved it: no look-up is needed. */
export const inputPeer = (peer: TelegramPeer) =>
  new Api.InputPeerChannel({ channelId: returnBigInt(peer.channelId), accessHash: returnBigInt(peer.accessHash) })

/** The channel as an `InputChannel`. */
export const inputChannel = (peer: TelegramPeer) =>
  new Api.InputChannel({ channelId: returnBigInt(peer.channelId), accessHash: returnBigInt(peer.accessHash) })

/** A photo already stored on Telegram, as media of a post. */
export const inputPhoto = (photo: StoredPhoto) =>
  new Api.InputMediaPhoto({
    id: new Api.InputPhoto({
      id: returnBigInt(photo.id),
      accessHash: returnBigInt(photo.accessHash),
      fileReference: Buffer.from(photo.fileReference, "base64")
    })
  })

/** The `replyTo` field of a send, empty when it answers nothing. */
export const reply = (to: number | undefined) =>
  to === undefined ? {} : { replyTo: new Api.InputReplyToMessage({ replyToMsgId: to }) }
