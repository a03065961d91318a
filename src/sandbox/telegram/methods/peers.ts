/** Finds the channel a request means and checks what the caller may do with it. */
import { Effect } from "effect"
import type { Caller, MethodContext } from "../Method.ts"
import { refuse, type RpcRefusal } from "../RpcRefusal.ts"
import type { TlObject } from "../TlSchema.ts"
import type { Channel } from "../World.ts"

/**
 * The channel of an `InputPeerChannel` or `InputChannel`. The access hash must be this account's own; a bot may
 * give 0, as on Telegram.
 */
export const channelOf = (
  context: MethodContext,
  caller: Caller,
  peer: TlObject | undefined
): Effect.Effect<Channel, RpcRefusal> => {
  if (peer === undefined || !("channelId" in peer)) return Effect.fail(refuse("PEER_ID_INVALID"))
  const channel = context.world.byId(peer["channelId"].toString())
  if (channel === undefined) return Effect.fail(refuse("CHANNEL_INVALID"))
  const given = peer["accessHash"].toString()
  const known = given === context.accounts.accessHash(caller.key.account, "channel", channel.id)
  return known || (caller.key.bot && given === "0") ? Effect.succeed(channel) : Effect.fail(refuse("CHANNEL_INVALID"))
}

/** The channel of a request to post: also refuses channels that only others may post in. */
export const writableChannelOf = (
  context: MethodContext,
  caller: Caller,
  peer: TlObject | undefined
): Effect.Effect<Channel, RpcRefusal> =>
  channelOf(context, caller, peer).pipe(
    Effect.filterOrFail(
      (channel) => channel.kind === "target",
      () => refuse("CHAT_WRITE_FORBIDDEN", 403)
    )
  )
