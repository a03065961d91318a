/** Turns the sandbox world's plain posts, channels and files into the TL values clients read. */
import { returnBigInt } from "telegram/Helpers.js"
import { Api } from "telegram/tl/index.js"
import { toTlEntities } from "../../services/telegram/tlEntities.ts"
import type { Accounts } from "./Accounts.ts"
import type { Files, StoredFile } from "./Files.ts"
import type { Channel, StoredPost } from "./World.ts"
import type { WorldAccount } from "./WorldModel.ts"

/** What the conversion needs to know of the server; `account` is the reader, because hashes differ by account. */
export interface TlView {
  readonly accounts: Accounts
  readonly files: Files
  readonly account: WorldAccount | undefined
}

/** An account as a `user`; `self` marks the reader. */
export const tlUser = (account: WorldAccount, self: boolean, bot: boolean): Api.User =>
  new Api.User({
    id: returnBigInt(account.id),
    accessHash: returnBigInt(1),
    firstName: account.firstName,
    username: account.username,
    ...(self ? { self: true } : {}),
    ...(bot ? { bot: true, botInfoVersion: 1 } : {})
  })

/** A channel as this account sees it: a target is one it may post in. */
export const tlChannel = (view: TlView, channel: Channel): Api.Channel =>
  new Api.Channel({
    id: returnBigInt(channel.id),
    accessHash: returnBigInt(view.accounts.accessHash(view.account, "channel", channel.id)),
    title: channel.title,
    username: channel.username,
    broadcast: true,
    photo: new Api.ChatPhotoEmpty(),
    date: 0,
    ...(channel.noForwards ? { noforwards: true } : {}),
    ...(channel.kind === "target"
      ? { adminRights: new Api.ChatAdminRights({ postMessages: true, editMessages: true, deleteMessages: true }) }
      : {})
  })

/** Media of a stored file; draws the file when it has not been yet, because its size is part of the answer. */
export const tlMedia = async (view: TlView, file: StoredFile): Promise<Api.TypeMessageMedia> => {
  const size = (await file.bytes()).length
  const common = {
    id: returnBigInt(file.id),
    accessHash: returnBigInt(view.accounts.accessHash(view.account, "file", file.id)),
    fileReference: view.files.reference(),
    date: 0,
    dcId: file.dc
  }
  if (file.kind === "photo") {
    const sizes = [new Api.PhotoSize({ type: "x", w: file.width, h: file.height, size })]
    return new Api.MessageMediaPhoto({ photo: new Api.Photo({ ...common, sizes }) })
  }
  const video = new Api.DocumentAttributeVideo({ duration: file.durationSeconds ?? 0, w: file.width, h: file.height })
  const attributes = [video, new Api.DocumentAttributeFilename({ fileName: file.name })]
  const document = new Api.Document({ ...common, mimeType: file.mime, size: returnBigInt(size), attributes })
  return new Api.MessageMediaDocument({ document, video: true })
}

/** A post as a message of its channel. */
export const tlMessage = async (
  view: TlView,
  channel: Channel,
  post: StoredPost
): Promise<Api.Message | Api.MessageService> => {
  const peerId = new Api.PeerChannel({ channelId: returnBigInt(channel.id) })
  if (post.service === true) {
    const action = new Api.MessageActionChannelCreate({ title: channel.title })
    return new Api.MessageService({ id: post.id, peerId, date: post.date, post: true, action })
  }
  const forward =
    post.forward === undefined
      ? undefined
      : new Api.MessageFwdHeader({
          fromId: new Api.PeerChannel({ channelId: returnBigInt(post.forward.channelId) }),
          channelPost: post.forward.postId,
          date: post.forward.date
        })
  const media = post.media === undefined ? undefined : await tlMedia(view, post.media)
  return new Api.Message({
    id: post.id,
    peerId,
    date: post.date,
    message: post.text,
    post: true,
    ...(post.sentBy !== undefined && post.sentBy === view.account?.id ? { out: true } : {}),
    ...(post.entities.length > 0 ? { entities: toTlEntities(post.entities) } : {}),
    ...(media === undefined ? {} : { media }),
    ...(forward === undefined ? {} : { fwdFrom: forward }),
    ...(post.editDate === undefined ? {} : { editDate: post.editDate }),
    ...(post.groupedId === undefined ? {} : { groupedId: returnBigInt(post.groupedId) }),
    ...(post.replyTo === undefined ? {} : { replyTo: new Api.MessageReplyHeader({ replyToMsgId: post.replyTo }) }),
    ...(post.noForwards === true || channel.noForwards ? { noforwards: true } : {})
  })
}
