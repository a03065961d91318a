/** What happens to posts after they are sent: edits, deletions and the scheduled queue. */
import { Effect } from "effect"
import { Api } from "telegram/tl/index.js"
import { fromTlEntities } from "../../../services/telegram/tlEntities.ts"
import type { Caller, MethodContext, MethodTable } from "../Method.ts"
import { refuse } from "../RpcRefusal.ts"
import { checkText } from "../textLimits.ts"
import { tlChannel, tlMessage } from "../TlMessages.ts"
import type { Channel, StoredPost } from "../World.ts"
import { tlPage } from "./channels.ts"
import { writableChannelOf } from "./peers.ts"
import { textHash } from "./sending.ts"

/** Publishes scheduled posts of a channel, in their order, and enters them in the ledger as sent. */
const publishScheduled = (context: MethodContext, channel: Channel, ids: ReadonlyArray<number>) => {
  const due = context.world.unschedule(channel, ids)
  const date = context.now()
  const posts = context.world.append(
    channel,
    due.map((post) => Object.assign({}, post, { date }))
  )
  for (const post of posts) {
    context.ledger.append({
      event: "sent",
      channelId: channel.id,
      username: channel.username,
      messageId: post.id,
      textHash: textHash(post.text),
      accountId: post.sentBy ?? "",
      at: context.nowMillis(),
      ...(post.randomId === undefined ? {} : { randomId: post.randomId })
    })
  }
  return posts
}

/** Publishes every scheduled post whose time has come, in all channels. */
export const publishDue = (context: MethodContext): void => {
  for (const channel of context.world.channels()) {
    const due = channel.scheduled.filter((post) => post.date <= context.now()).map((post) => post.id)
    if (due.length > 0) publishScheduled(context, channel, due)
  }
}

const editUpdates = (context: MethodContext, caller: Caller, channel: Channel, post: StoredPost) =>
  Effect.promise(async () => {
    const message = await tlMessage(caller.view, channel, post)
    const updates = [new Api.UpdateEditChannelMessage({ message, pts: channel.pts, ptsCount: 1 })]
    return new Api.Updates({
      updates,
      users: [],
      chats: [tlChannel(caller.view, channel)],
      date: context.now(),
      seq: 0
    })
  })

/** Edit, delete and scheduled methods. */
export const changingMethods = (context: MethodContext): MethodTable => {
  const line = (event: "edited" | "deleted", caller: Caller, channel: Channel, post: StoredPost) =>
    context.ledger.append({
      event,
      channelId: channel.id,
      username: channel.username,
      messageId: post.id,
      textHash: textHash(post.text),
      accountId: caller.key.account?.id ?? "",
      at: context.nowMillis()
    })

  return {
    "messages.editmessage": Effect.fnUntraced(function* (request, caller) {
      const channel = yield* writableChannelOf(context, caller, request["peer"])
      const before = channel.posts.find((post) => post.id === request["id"])
      if (before === undefined) return yield* refuse("MESSAGE_ID_INVALID")
      const text: string = request["message"] ?? before.text
      const entities = fromTlEntities(request["entities"])
      if (before.media === undefined) {
        if (text.trim() === "") return yield* refuse("MESSAGE_EMPTY")
        yield* checkText(text, entities, context.settings.messageLengthMax, "MESSAGE_TOO_LONG")
      } else {
        yield* checkText(text, entities, context.settings.captionLengthMax, "MEDIA_CAPTION_TOO_LONG")
      }
      if (text === before.text && JSON.stringify(entities) === JSON.stringify(before.entities)) {
        return yield* refuse("MESSAGE_NOT_MODIFIED")
      }
      const after = context.world.edit(channel, before.id, { text, entities }) ?? before
      line("edited", caller, channel, after)
      return yield* editUpdates(context, caller, channel, after)
    }),
    "channels.deletemessages": Effect.fnUntraced(function* (request, caller) {
      const channel = yield* writableChannelOf(context, caller, request["channel"])
      const gone = context.world.remove(channel, request["id"])
      for (const post of gone) line("deleted", caller, channel, post)
      return new Api.messages.AffectedMessages({ pts: channel.pts, ptsCount: gone.length })
    }),
    "messages.getscheduledhistory": Effect.fnUntraced(function* (request, caller) {
      const channel = yield* writableChannelOf(context, caller, request["peer"])
      return yield* tlPage(caller, channel, [...channel.scheduled].reverse())
    }),
    "messages.sendscheduledmessages": Effect.fnUntraced(function* (request, caller) {
      const channel = yield* writableChannelOf(context, caller, request["peer"])
      const posts = publishScheduled(context, channel, request["id"])
      if (posts.length === 0) return yield* refuse("MESSAGE_ID_INVALID")
      return yield* Effect.promise(async () => {
        const updates: Array<Api.TypeUpdate> = []
        for (const post of posts) {
          const message = await tlMessage(caller.view, channel, post)
          updates.push(new Api.UpdateNewChannelMessage({ message, pts: channel.pts, ptsCount: 1 }))
        }
        const chats = [tlChannel(caller.view, channel)]
        return new Api.Updates({ updates, users: [], chats, date: context.now(), seq: 0 })
      })
    }),
    "messages.deletescheduledmessages": Effect.fnUntraced(function* (request, caller) {
      const channel = yield* writableChannelOf(context, caller, request["peer"])
      context.world.unschedule(channel, request["id"])
      return new Api.Updates({ updates: [], users: [], chats: [], date: context.now(), seq: 0 })
    })
  }
}
