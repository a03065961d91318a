/**
 * Posting: one path for text, photo and album, so that the check, the commit, the memory of random ids and the
 * ledger cannot differ between them. A random id is remembered for ever and by account; a repeat posts nothing.
 */
import { createHash } from "node:crypto"
import { Effect } from "effect"
import { returnBigInt } from "telegram/Helpers.js"
import { Api } from "telegram/tl/index.js"
import { fromTlEntities } from "../../../services/telegram/tlEntities.ts"
import type { StoredFile } from "../Files.ts"
import { stableNumber } from "../Files.ts"
import type { Caller, MethodContext, MethodTable } from "../Method.ts"
import { refuse, type RpcRefusal } from "../RpcRefusal.ts"
import { checkText } from "../textLimits.ts"
import { tlChannel, tlMessage } from "../TlMessages.ts"
import type { TlObject } from "../TlSchema.ts"
import type { Channel, StoredPost } from "../World.ts"
import { mediaFile } from "./media.ts"
import { writableChannelOf } from "./peers.ts"

/** The most items one album may have. */
const albumMax = 10

/** SHA-256 of a text in hex, as the ledger keeps it. */
export const textHash = (text: string): string => createHash("sha256").update(text).digest("hex")

interface Item {
  readonly randomId: string
  readonly post: Omit<StoredPost, "id">
}

/** `updates` for posts: ids by random id, then the messages. A repeat has `ptsCount` 0, as on Telegram. */
const tlUpdates = (
  context: MethodContext,
  caller: Caller,
  channel: Channel,
  posts: ReadonlyArray<StoredPost>,
  repeated: boolean,
  scheduled: boolean
) =>
  Effect.promise(async () => {
    const updates: Array<Api.TypeUpdate> = []
    for (const post of posts) {
      if (post.randomId !== undefined) {
        updates.push(new Api.UpdateMessageID({ id: post.id, randomId: returnBigInt(post.randomId) }))
      }
      const message = await tlMessage(caller.view, channel, post)
      const counted = { pts: channel.pts, ptsCount: repeated ? 0 : 1 }
      updates.push(
        scheduled
          ? new Api.UpdateNewScheduledMessage({ message })
          : new Api.UpdateNewChannelMessage({ message, ...counted })
      )
    }
    return new Api.Updates({
      updates,
      users: [],
      chats: [tlChannel(caller.view, channel)],
      date: context.now(),
      seq: 0
    })
  })

const plainEntities = (request: TlObject) =>
  fromTlEntities(
    // A client may name a user by InputUser; the stored form is the plain mention.
    ((request["entities"] ?? []) as ReadonlyArray<TlObject>).map((entity) =>
      entity.className === "InputMessageEntityMentionName"
        ? new Api.MessageEntityMentionName({
            offset: entity["offset"],
            length: entity["length"],
            userId: entity["userId"]?.["userId"] ?? returnBigInt(0)
          })
        : (entity as unknown as Api.TypeMessageEntity)
    )
  )

/** The posting methods and their memory of random ids. */
export const sendingMethods = (context: MethodContext): MethodTable => {
  const used = new Map<string, { readonly channel: Channel; readonly post: StoredPost; readonly scheduled: boolean }>()

  const commit = Effect.fnUntraced(function* (
    caller: Caller,
    channel: Channel,
    request: TlObject,
    items: ReadonlyArray<Item>
  ): Effect.fn.Return<Api.Updates, RpcRefusal> {
    const account = caller.key.account?.id ?? ""
    const key = (item: Item) => `${account} ${item.randomId}`
    if (items.some((item) => item.randomId === "0")) return yield* refuse("RANDOM_ID_EMPTY")
    const line = (post: StoredPost, event: "sent" | "repeated") => ({
      event,
      channelId: channel.id,
      username: channel.username,
      messageId: post.id,
      textHash: textHash(post.text),
      accountId: account,
      at: context.nowMillis(),
      ...(post.randomId === undefined ? {} : { randomId: post.randomId }),
      ...(post.media === undefined ? {} : { media: post.media.id }),
      ...(post.groupedId === undefined ? {} : { groupedId: post.groupedId })
    })
    const originals = items.flatMap((item) => used.get(key(item)) ?? [])
    if (originals.length > 0 || new Set(items.map(key)).size < items.length) {
      for (const { post } of originals) context.ledger.append(line(post, "repeated"))
      const whole = originals.length === items.length && originals.every((original) => original.channel === channel)
      if (context.settings.onRepeatedRandomId === "error" || !whole) return yield* refuse("RANDOM_ID_DUPLICATE", 500)
      const posts = originals.map(({ post }) => post)
      return yield* tlUpdates(context, caller, channel, posts, true, originals[0]?.scheduled ?? false)
    }
    const later = Number(request["scheduleDate"] ?? 0)
    const scheduled = later > context.now() + 10
    if (later > context.now() + 366 * 86_400) return yield* refuse("SCHEDULE_DATE_TOO_LATE")
    if (scheduled && channel.scheduled.length + items.length > 100) return yield* refuse("SCHEDULE_TOO_MUCH")
    const replyTo: number | undefined = request["replyTo"]?.["replyToMsgId"] ?? undefined
    if (replyTo !== undefined && !channel.posts.some((post) => post.id === replyTo)) {
      return yield* refuse("REPLY_MESSAGE_ID_INVALID")
    }
    const drafts = items.map((item) => ({
      ...item.post,
      date: scheduled ? later : item.post.date,
      ...(replyTo === undefined ? {} : { replyTo })
    }))
    const posts = scheduled ? context.world.schedule(channel, drafts) : context.world.append(channel, drafts)
    posts.forEach((post, index) => {
      used.set(key(items[index]!), { channel, post, scheduled })
      if (!scheduled) context.ledger.append(line(post, "sent"))
    })
    return yield* tlUpdates(context, caller, channel, posts, false, scheduled)
  })

  const draft = Effect.fnUntraced(function* (
    caller: Caller,
    part: TlObject,
    media: StoredFile | undefined,
    groupedId?: string
  ): Effect.fn.Return<Item, RpcRefusal> {
    const text: string = part["message"]
    const entities = plainEntities(part)
    const { messageLengthMax, captionLengthMax } = context.settings
    if (media === undefined) {
      if (text.trim() === "") return yield* refuse("MESSAGE_EMPTY")
      yield* checkText(text, entities, messageLengthMax, "MESSAGE_TOO_LONG")
    } else {
      yield* checkText(text, entities, captionLengthMax, "MEDIA_CAPTION_TOO_LONG")
    }
    const randomId = part["randomId"].toString()
    return {
      randomId,
      post: {
        date: context.now(),
        text,
        entities,
        sentBy: caller.key.account?.id ?? "",
        randomId,
        ...(media === undefined ? {} : { media }),
        ...(groupedId === undefined ? {} : { groupedId })
      }
    }
  })

  return {
    "messages.sendmessage": Effect.fnUntraced(function* (request, caller) {
      const channel = yield* writableChannelOf(context, caller, request["peer"])
      return yield* commit(caller, channel, request, [yield* draft(caller, request, undefined)])
    }),
    "messages.sendmedia": Effect.fnUntraced(function* (request, caller) {
      const channel = yield* writableChannelOf(context, caller, request["peer"])
      const media = yield* mediaFile(context, caller, request["media"])
      return yield* commit(caller, channel, request, [yield* draft(caller, request, media)])
    }),
    "messages.sendmultimedia": Effect.fnUntraced(function* (request, caller) {
      const channel = yield* writableChannelOf(context, caller, request["peer"])
      const parts = request["multiMedia"] as ReadonlyArray<TlObject>
      if (parts.length === 0) return yield* refuse("MEDIA_EMPTY")
      if (parts.length > albumMax) return yield* refuse("MULTI_MEDIA_TOO_LONG")
      const groupedId = stableNumber("album", context.randomBytes(8).toString("hex"))
      const items = yield* Effect.forEach(parts, (part) =>
        part["media"].className === "InputMediaUploadedPhoto"
          ? Effect.fail(refuse("MEDIA_INVALID"))
          : Effect.flatMap(mediaFile(context, caller, part["media"]), (media) => draft(caller, part, media, groupedId))
      )
      return yield* commit(caller, channel, request, items)
    })
  }
}
