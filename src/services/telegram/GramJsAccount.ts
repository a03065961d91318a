/**
 * One account's calls over links that come and go: at most one request in flight, an outer time limit on every call,
 * a new link after a lost one, and the same request again on it. A send that may have reached the server and has no
 * answer ends as `UnknownOutcome`, never as a plain failure.
 */
import { Cause, Effect, Option, Scope, Semaphore } from "effect"
import { generateRandomLong } from "telegram/Helpers.js"
import { Api } from "telegram/tl/index.js"
import { openLink, type DataCentreAddress, type Link, type Request } from "./GramJsLink.ts"
import type { CallPurpose } from "./rpcError.ts"
import { TelegramError, Unavailable, UnknownOutcome, type TelegramErrorReason } from "./TelegramError.ts"

/** The account and how patient to be; times are milliseconds. */
export interface AccountOptions {
  readonly apiId: number
  readonly apiHash: string
  readonly address: DataCentreAddress
  readonly session: string | undefined
  readonly botToken: string | undefined
  readonly connectTimeout: number
  readonly timeout: number
  readonly requestRetries: number
  /** Time between pings of an idle link. */
  readonly keepAlive: number
}

/** What a call is: its name for errors, what it is for, and its time limit when not the account's. */
export interface CallKind {
  readonly operation: string
  readonly purpose: CallPurpose
  readonly timeout?: number
  /** Media parts do not wait for other calls. */
  readonly media?: boolean
}

export interface GramJsAccount {
  readonly call: <A>(kind: CallKind, request: () => Request<A>) => Effect.Effect<A, TelegramError>
  /** The same towards another data centre, where a file is kept. */
  readonly callAt: <A>(dc: number, kind: CallKind, request: () => Request<A>) => Effect.Effect<A, TelegramError>
  /** The server's configuration, asked once. */
  readonly config: Effect.Effect<Api.Config, TelegramError>
  /** The data centre the account lives in. */
  readonly dc: () => number
}

interface LinkHolder {
  readonly get: Effect.Effect<Link, TelegramErrorReason>
  readonly current: () => Link | undefined
}

/** Keeps at most one open link and opens the next when it is lost; closes it with the scope. */
const makeLinkHolder = Effect.fnUntraced(function* (
  open: Effect.Effect<Link, TelegramErrorReason>
): Effect.fn.Return<LinkHolder, never, Scope.Scope> {
  const opening = yield* Semaphore.make(1)
  let link: Link | undefined
  yield* Effect.addFinalizer(() => link?.close ?? Effect.void)
  return {
    current: () => (link?.isLost() === true ? undefined : link),
    get: opening.withPermits(1)(
      Effect.suspend(() =>
        link !== undefined && !link.isLost()
          ? Effect.succeed(link)
          : Effect.uninterruptibleMask((restore) =>
              Effect.tap(restore(open), (opened) =>
                Effect.sync(() => {
                  link = opened
                })
              )
            )
      )
    )
  }
})

/** Where a server's configuration says a data centre listens. */
const addressIn = (options: ReadonlyArray<Api.TypeDcOption>, dc: number): DataCentreAddress | undefined => {
  const found = options.find((option) => option.id === dc && option.ipv6 !== true && option.cdn !== true)
  return found === undefined ? undefined : { host: found.ipAddress, port: found.port, dc }
}

const pauseBefore = (attempt: number): number => [0, 50, 500, 2000][attempt] ?? 2000

/** Makes the account; connects at the first call. The scope's end ends its links. */
export const makeGramJsAccount = Effect.fnUntraced(function* (
  options: AccountOptions
): Effect.fn.Return<GramJsAccount, never, Scope.Scope> {
  const { apiId, apiHash, botToken, connectTimeout } = options
  const inFlight = yield* Semaphore.make(1)
  let session = options.session ?? ""
  let { address } = options

  /** Signs in a new key; a bot lives in one data centre, and another one answers where that is. */
  const signIn = (link: Link, token: string) =>
    link.invoke(new Api.auth.ImportBotAuthorization({ flags: 0, apiId, apiHash, botAuthToken: token }), "account")
  const movedTo = (link: Link, reason: TelegramErrorReason) =>
    Effect.gen(function* () {
      const moved = /^(?:USER|PHONE|NETWORK)_MIGRATE_(\d+)/.exec(reason.text)
      if (moved === null) return yield* reason
      const { dcOptions } = yield* link.invoke(new Api.help.GetConfig(), "account")
      const found = addressIn(dcOptions, Number(moved[1]))
      if (found === undefined) return yield* reason
      return found
    })
  const openMain: Effect.Effect<Link, TelegramErrorReason> = Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const known = session !== ""
      const link = yield* restore(openLink({ apiId, apiHash, address, session, connectTimeout }))
      if (botToken !== undefined && !known) {
        const moved = yield* restore(signIn(link, botToken)).pipe(
          Effect.as(undefined),
          Effect.catch((reason) => restore(movedTo(link, reason))),
          Effect.onError(() => link.close)
        )
        if (moved !== undefined) {
          yield* link.close
          address = moved
          return yield* restore(openMain)
        }
      }
      // The key of the first link serves the next ones: making a key is what a server limits first.
      session = link.session() || session
      return link
    })
  )
  const main = yield* makeLinkHolder(openMain)

  const run = <A>(holder: LinkHolder, kind: CallKind, request: () => Request<A>): Effect.Effect<A, TelegramError> =>
    Effect.suspend(() => {
      const limit = kind.timeout ?? options.timeout
      let written = false
      let signedInAgain = false
      const unanswered = (text: string): TelegramErrorReason =>
        kind.purpose === "send" && written ? new UnknownOutcome({ text }) : new Unavailable({ text })
      const closeLink = Effect.suspend(() => holder.current()?.close ?? Effect.void)

      const attempt = (count: number): Effect.Effect<A, TelegramErrorReason> =>
        Effect.gen(function* () {
          if (count > 0) yield* Effect.sleep(pauseBefore(count))
          const link = yield* holder.get
          written = true
          return yield* link.invoke(request(), kind.purpose).pipe(
            // A refusal is an answer; only what ended with the link may be tried on the next one.
            Effect.mapError((reason) => ({ reason, lost: link.isLost() }))
          )
        }).pipe(
          Effect.catch((failure) => {
            const { reason, lost } = "lost" in failure ? failure : { reason: failure, lost: true }
            const dead = reason._tag === "AccountDead" && !reason.duplicated
            if (dead && holder === main && botToken !== undefined && session !== "" && !signedInAgain) {
              // A bot can always sign in again; its token is the account.
              session = ""
              signedInAgain = true
              return Effect.andThen(closeLink, attempt(count + 1))
            }
            // The key of another data centre is made anew from this account's, so losing it is no end.
            const again = dead && holder !== main
            if (!again && (!lost || reason._tag !== "Unavailable")) return Effect.fail(reason)
            if (count + 1 >= options.requestRetries) return Effect.fail(unanswered(reason.text))
            return Effect.logDebug("Telegram is asked again", kind.operation, reason.text).pipe(
              Effect.andThen(closeLink),
              Effect.andThen(attempt(count + 1))
            )
          })
        )
      const timed = attempt(0).pipe(
        Effect.timeoutOrElse({
          duration: limit,
          // Whatever is stuck in this link must not delay the next call.
          orElse: () => Effect.andThen(closeLink, Effect.fail(unanswered(`no answer within ${limit} ms`)))
        }),
        Effect.mapError((reason) => new TelegramError({ operation: kind.operation, reason }))
      )
      return kind.media === true ? timed : inFlight.withPermits(1)(timed)
    })

  const call: GramJsAccount["call"] = (kind, request) => run(main, kind, request)

  let config: Api.Config | undefined
  const askConfig = Effect.suspend(() =>
    config !== undefined
      ? Effect.succeed(config)
      : call({ operation: "config", purpose: "account" }, () => new Api.help.GetConfig()).pipe(
          Effect.tap((answer) =>
            Effect.sync(() => {
              config = answer
            })
          )
        )
  )

  const elsewhere = new Map<number, LinkHolder>()
  const scope = yield* Effect.scope
  const openElsewhere = (dc: number): Effect.Effect<Link, TelegramErrorReason> =>
    Effect.gen(function* () {
      const { dcOptions } = yield* Effect.mapError(askConfig, (error) => error.reason)
      const there = addressIn(dcOptions, dc)
      if (there === undefined) return yield* new Unavailable({ text: `data centre ${dc} is unknown` })
      const exported = yield* call(
        { operation: "authorize", purpose: "account" },
        () => new Api.auth.ExportAuthorization({ dcId: dc })
      ).pipe(Effect.mapError((error) => error.reason))
      const bring = new Api.auth.ImportAuthorization({ id: exported.id, bytes: exported.bytes })
      return yield* Effect.uninterruptibleMask((restore) =>
        restore(openLink({ apiId, apiHash, address: there, session: "", connectTimeout })).pipe(
          Effect.tap((link) => restore(link.invoke(bring, "account")).pipe(Effect.onError(() => link.close)))
        )
      )
    })

  const callAt: GramJsAccount["callAt"] = (dc, kind, request) =>
    Effect.gen(function* () {
      const made = yield* Effect.provideService(makeLinkHolder(openElsewhere(dc)), Scope.Scope, scope)
      const holder = elsewhere.get(dc) ?? made
      elsewhere.set(dc, holder)
      return yield* run(holder, kind, request)
    })

  yield* Effect.forkScoped(
    Effect.forever(
      Effect.gen(function* () {
        yield* Effect.sleep(options.keepAlive)
        const link = main.current()
        if (link === undefined) return
        const ping = new Api.PingDelayDisconnect({ pingId: generateRandomLong(), disconnectDelay: 120 })
        const alive = yield* link.invoke(ping, "account").pipe(Effect.timeoutOption(connectTimeout), Effect.option)
        if (Option.isNone(Option.flatten(alive))) yield* link.close
      })
    ).pipe(
      Effect.tapCause((cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logError("watching the Telegram connection failed", cause)
      )
    )
  )

  return { call, callAt, config: askConfig, dc: () => address.dc }
})
