/** Signing in, moving an authorization to another data centre, and the questions a client asks at start. */
import { Effect } from "effect"
import { returnBigInt } from "telegram/Helpers.js"
import { Api } from "telegram/tl/index.js"
import { loginCode } from "../Accounts.ts"
import { stableNumber } from "../Files.ts"
import type { Caller, MethodContext, MethodTable } from "../Method.ts"
import { refuse } from "../RpcRefusal.ts"
import { tlUser } from "../TlMessages.ts"
import type { WorldAccount } from "../WorldModel.ts"

const config = (context: MethodContext, caller: Caller): Api.Config => {
  const now = context.now()
  return new Api.Config({
    date: now,
    expires: now + 3600,
    testMode: false,
    thisDc: caller.dc,
    dcOptions: context
      .dataCentres()
      .map(({ id, port }) => new Api.DcOption({ id, ipAddress: "127.0.0.1", port, static: true })),
    dcTxtDomainName: "localhost",
    chatSizeMax: 200,
    megagroupSizeMax: 200_000,
    forwardedCountMax: 100,
    onlineUpdatePeriodMs: 210_000,
    offlineBlurTimeoutMs: 5000,
    offlineIdleTimeoutMs: 30_000,
    onlineCloudTimeoutMs: 300_000,
    notifyCloudDelayMs: 30_000,
    notifyDefaultDelayMs: 1500,
    pushChatPeriodMs: 60_000,
    pushChatLimit: 2,
    editTimeLimit: 172_800,
    revokeTimeLimit: 2 ** 31 - 1,
    revokePmTimeLimit: 2 ** 31 - 1,
    ratingEDecay: 2_419_200,
    stickersRecentLimit: 200,
    channelsReadMediaPeriod: 604_800,
    callReceiveTimeoutMs: 20_000,
    callRingTimeoutMs: 90_000,
    callConnectTimeoutMs: 30_000,
    callPacketTimeoutMs: 10_000,
    meUrlPrefix: "https://t.me/",
    captionLengthMax: context.settings.captionLengthMax,
    messageLengthMax: context.settings.messageLengthMax,
    webfileDcId: caller.dc
  })
}

const signedIn = (caller: Caller, account: WorldAccount, bot: boolean) => {
  caller.key.account = account
  caller.key.bot = bot
  return new Api.auth.Authorization({ user: tlUser(account, true, bot) })
}

/** Methods of `auth`, `help`, `users` and `updates` that need no channel. */
export const authMethods = (context: MethodContext): MethodTable => {
  const exported = new Map<string, WorldAccount>()
  const phones = new Map<string, WorldAccount>()
  const phoneOf = (account: WorldAccount) => stableNumber("phone", account.id).slice(0, 11)
  for (const account of context.accounts.list()) phones.set(phoneOf(account), account)

  return {
    "help.getconfig": (_request, caller) => Effect.sync(() => config(context, caller)),
    "help.getnearestdc": (_request, caller) =>
      Effect.sync(() => new Api.NearestDc({ country: "DE", thisDc: caller.dc, nearestDc: caller.dc })),
    "auth.importbotauthorization": (request, caller) => {
      const account = context.accounts.byToken(request["botAuthToken"])
      return account === undefined
        ? Effect.fail(refuse("ACCESS_TOKEN_INVALID"))
        : Effect.sync(() => signedIn(caller, account, true))
    },
    "auth.sendcode": (request) =>
      phones.has(String(request["phoneNumber"]).replace(/\D/g, ""))
        ? Effect.sync(
            () => new Api.auth.SentCode({ type: new Api.auth.SentCodeTypeApp({ length: 5 }), phoneCodeHash: "sandbox" })
          )
        : Effect.fail(refuse("PHONE_NUMBER_INVALID")),
    "auth.signin": (request, caller) => {
      const account = phones.get(String(request["phoneNumber"]).replace(/\D/g, ""))
      if (account === undefined) return Effect.fail(refuse("PHONE_NUMBER_UNOCCUPIED"))
      if (request["phoneCode"] !== loginCode) return Effect.fail(refuse("PHONE_CODE_INVALID"))
      return Effect.sync(() => signedIn(caller, account, false))
    },
    "auth.exportauthorization": (request, caller) =>
      Effect.suspend(() => {
        const account = caller.key.account
        if (account === undefined) return Effect.fail(refuse("AUTH_KEY_UNREGISTERED", 401))
        if (!context.dataCentres().some(({ id }) => id === request["dcId"])) return Effect.fail(refuse("DC_ID_INVALID"))
        const bytes = context.randomBytes(32)
        exported.set(bytes.toString("hex"), account)
        return Effect.succeed(new Api.auth.ExportedAuthorization({ id: returnBigInt(account.id), bytes }))
      }),
    "auth.importauthorization": (request, caller) =>
      Effect.suspend(() => {
        const token = Buffer.from(request["bytes"]).toString("hex")
        const account = exported.get(token)
        exported.delete(token)
        return account === undefined || account.id !== request["id"].toString()
          ? Effect.fail(refuse("AUTH_BYTES_INVALID"))
          : Effect.sync(() => signedIn(caller, account, false))
      }),
    "auth.logout": (_request, caller) =>
      Effect.sync(() => {
        caller.key.account = undefined
        return new Api.auth.LoggedOut({})
      }),
    "users.getusers": (request, caller) =>
      Effect.sync(() =>
        (request["id"] as ReadonlyArray<{ className: string; userId?: { toString(): string } }>).flatMap((user) => {
          const self = caller.key.account
          if (user.className === "InputUserSelf") return self === undefined ? [] : [tlUser(self, true, caller.key.bot)]
          const other = context.accounts.byId(user.userId?.toString() ?? "")
          return other === undefined ? [] : [tlUser(other, other.id === self?.id, other.botToken !== undefined)]
        })
      ),
    "updates.getstate": () =>
      Effect.sync(() => new Api.updates.State({ pts: 1, qts: 0, date: context.now(), seq: 1, unreadCount: 0 })),
    "updates.getdifference": () => Effect.sync(() => new Api.updates.DifferenceEmpty({ date: context.now(), seq: 1 })),
    "updates.getchanneldifference": (request) =>
      Effect.sync(() => new Api.updates.ChannelDifferenceEmpty({ final: true, pts: request["pts"], timeout: 30 }))
  }
}

/** Methods that answer without anybody being signed in. */
export const openMethods: ReadonlySet<string> = new Set([
  "help.getconfig",
  "help.getnearestdc",
  "auth.importbotauthorization",
  "auth.sendcode",
  "auth.signin",
  "auth.importauthorization",
  "auth.logout"
])
