/** Reading with GramJS: pages of history, posts by id, user names and the account itself. */
import { Effect } from "effect"
import { returnBigInt } from "telegram/Helpers.js"
import { Api } from "telegram/tl/index.js"
import type { CallKind, GramJsAccount } from "./GramJsAccount.ts"
import { inputChannel, inputPeer } from "./gramJsInputs.ts"
import { toMessages, toPeer } from "./gramJsMessages.ts"
import { Rejected, SourceGone, TelegramError } from "./TelegramError.ts"
import type { TelegramGateway } from "./TelegramGateway.ts"
import type { TelegramMessage, TelegramPeer } from "./TelegramMessage.ts"

const pageSize = 100
const read = (operation: string): CallKind => ({ operation, purpose: "read" })

/** One page of history: up to 100 posts, newest first, `addOffset` places away from `offsetId`. */
const page = (account: GramJsAccount, operation: string, peer: TelegramPeer, offsetId: number, addOffset: number) =>
  Effect.map(
    account.call(
      read(operation),
      () =>
        new Api.messages.GetHistory({
          peer: inputPeer(peer),
          offsetId,
          offsetDate: 0,
          addOffset,
          limit: pageSize,
          maxId: 0,
          minId: 0,
          hash: returnBigInt(0)
        })
    ),
    toMessages
  )

/** The newest hundred posts, oldest first. */
export const newestMessages = (account: GramJsAccount, operation: string, peer: TelegramPeer) =>
  Effect.map(page(account, operation, peer, 0, 0), (messages) => [...messages].sort((a, b) => a.id - b.id))

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
    // A negative offset of a whole page asks for the posts from `from + 1` upwards; a lower bound alone gives the newest.
    const messages = yield* page(account, "history", peer, from + 1, -pageSize)
    const above = messages.filter((message) => message.id > from).sort((a, b) => a.id - b.id)
    const last = above.at(-1)
    if (last === undefined) break
    found.push(...above)
    from = last.id
  }
  return found.slice(0, limit)
})

/** Reads the newest posts, page by page backwards, until `limit` or the oldest. */
const readNewest = Effect.fnUntraced(function* (account: GramJsAccount, peer: TelegramPeer, limit: number) {
  const found = new Map<number, TelegramMessage>()
  let before = 0
  while (found.size < limit) {
    const messages = yield* page(account, "newest", peer, before, 0)
    const fresh = messages.filter((message) => !found.has(message.id) && (before === 0 || message.id < before))
    if (fresh.length === 0) break
    for (const message of fresh) found.set(message.id, message)
    before = Math.min(...fresh.map((message) => message.id))
  }
  return [...found.values()].sort((a, b) => a.id - b.id).slice(-limit)
})

type Reading = "me" | "limits" | "resolve" | "history" | "newest" | "byIds"

/** The reading half of the gateway. */
export const makeReading = (account: GramJsAccount): Pick<TelegramGateway["Service"], Reading> => ({
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
          : Effect.fail(
              new TelegramError({
                operation: "me",
                reason: new Rejected({ code: 0, text: "nobody is signed in" })
              })
            )
      ),
      Effect.withSpan("TelegramGateway.me")
    ),
  limits: account.config.pipe(
    Effect.map((config) => ({
      messageLengthMax: config.messageLengthMax > 0 ? config.messageLengthMax : 4096,
      captionLengthMax: config.captionLengthMax > 0 ? config.captionLengthMax : 1024
    })),
    Effect.orElseSucceed(() => ({ messageLengthMax: 4096, captionLengthMax: 1024 }))
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
  newest: Effect.fn("TelegramGateway.newest")(function* (peer, limit) {
    return yield* readNewest(account, peer, limit)
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
  })
})
