/** Finding channels and reading their posts. */
import { Effect } from "effect"
import { returnBigInt } from "telegram/Helpers.js"
import { Api } from "telegram/tl/index.js"
import type { Caller, MethodContext, MethodTable } from "../Method.ts"
import { refuse } from "../RpcRefusal.ts"
import { tlChannel, tlMessage, tlUser } from "../TlMessages.ts"
import type { TlObject } from "../TlSchema.ts"
import type { Channel, StoredPost } from "../World.ts"
import { channelOf } from "./peers.ts"

/** The most messages one answer carries, as on Telegram. */
const pageMax = 100

/**
 * The page `messages.getHistory` means: newest first, from the first message older than `offsetId` (0: the
 * newest), moved by `addOffset` (negative: towards newer ones), and only ids between `minId` and `maxId`.
 * Source: core.telegram.org/api/offsets.
 */
export const historyPage = (
  posts: ReadonlyArray<StoredPost>,
  ask: {
    readonly offsetId: number
    readonly addOffset: number
    readonly limit: number
    readonly minId: number
    readonly maxId: number
  }
): ReadonlyArray<StoredPost> => {
  const newestFirst = [...posts].reverse()
  const found = ask.offsetId > 0 ? newestFirst.findIndex((post) => post.id < ask.offsetId) : 0
  const anchor = (found === -1 ? newestFirst.length : found) + ask.addOffset
  const limit = Math.min(Math.max(ask.limit, 0), pageMax)
  return newestFirst
    .slice(Math.max(anchor, 0), Math.max(anchor + limit, 0))
    .filter((post) => (ask.minId === 0 || post.id > ask.minId) && (ask.maxId === 0 || post.id < ask.maxId))
}

/** Posts as `messages.channelMessages`. */
export const tlPage = (
  caller: Caller,
  channel: Channel,
  posts: ReadonlyArray<StoredPost>,
  missing: Array<number> = []
) =>
  Effect.promise(async () => {
    // Together, because the first reader of a page has its pictures drawn.
    const messages: Array<Api.TypeMessage> = await Promise.all(
      posts.map((post) => tlMessage(caller.view, channel, post))
    )
    for (const id of missing) messages.push(new Api.MessageEmpty({ id }))
    return new Api.messages.ChannelMessages({
      pts: channel.pts,
      count: channel.posts.length,
      messages,
      topics: [],
      chats: [tlChannel(caller.view, channel)],
      users: []
    })
  })

/** Methods of `contacts` and `channels`, and `messages.getHistory`. */
export const channelMethods = (context: MethodContext): MethodTable => ({
  "contacts.resolveusername": (request, caller) =>
    Effect.suspend(() => {
      const username = String(request["username"]).replace(/^@/, "")
      if (!/^[a-z][a-z0-9_]{3,31}$/i.test(username)) return Effect.fail(refuse("USERNAME_INVALID"))
      const channel = context.world.byUsername(username)
      if (channel === undefined) return Effect.fail(refuse("USERNAME_NOT_OCCUPIED"))
      return Effect.succeed(
        new Api.contacts.ResolvedPeer({
          peer: new Api.PeerChannel({ channelId: returnBigInt(channel.id) }),
          chats: [tlChannel(caller.view, channel)],
          users: []
        })
      )
    }),
  "channels.getchannels": (request, caller) =>
    Effect.forEach(request["id"] as ReadonlyArray<TlObject>, (peer) => channelOf(context, caller, peer)).pipe(
      Effect.map(
        (channels) => new Api.messages.Chats({ chats: channels.map((channel) => tlChannel(caller.view, channel)) })
      )
    ),
  "channels.getparticipant": (request, caller) =>
    channelOf(context, caller, request["channel"]).pipe(
      Effect.flatMap((channel) => {
        const account = caller.key.account
        if (account === undefined || channel.kind === "source") return Effect.fail(refuse("USER_NOT_PARTICIPANT"))
        const userId = returnBigInt(account.id)
        const participant = new Api.ChannelParticipantAdmin({
          self: true,
          userId,
          inviterId: userId,
          promotedBy: userId,
          date: 0,
          adminRights: new Api.ChatAdminRights({ postMessages: true, editMessages: true, deleteMessages: true })
        })
        return Effect.succeed(
          new Api.channels.ChannelParticipant({
            participant,
            chats: [tlChannel(caller.view, channel)],
            users: [tlUser(account, true, caller.key.bot)]
          })
        )
      })
    ),
  "channels.getmessages": (request, caller) =>
    channelOf(context, caller, request["channel"]).pipe(
      Effect.flatMap((channel) => {
        const ids = (request["id"] as ReadonlyArray<TlObject>).map((message) => Number(message["id"] ?? 0))
        if (ids.length === 0) return Effect.fail(refuse("MESSAGE_IDS_EMPTY"))
        const found = ids.slice(0, pageMax).flatMap((id) => channel.posts.find((post) => post.id === id) ?? [])
        const missing = ids.slice(0, pageMax).filter((id) => !found.some((post) => post.id === id))
        return tlPage(caller, channel, found, missing)
      })
    ),
  "messages.gethistory": (request, caller) =>
    channelOf(context, caller, request["peer"]).pipe(
      Effect.flatMap((channel) =>
        caller.key.bot && !context.settings.botsReadHistory
          ? Effect.fail(refuse("BOT_METHOD_INVALID"))
          : tlPage(
              caller,
              channel,
              historyPage(channel.posts, {
                offsetId: request["offsetId"],
                addOffset: request["addOffset"],
                limit: request["limit"],
                minId: request["minId"],
                maxId: request["maxId"]
              })
            )
      )
    )
})
