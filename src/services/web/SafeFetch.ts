/**
 * HTTP(S) GET for URLs that users give: feeds, pages, pictures. Guards our network from them
 * (see targetGuard.ts), follows redirects hop by hop with the same guard, and bounds bytes and time.
 * No cookies, no credentials, no connection kept.
 */
import { Context, Duration, Effect, Layer, Stream } from "effect"
import type { Scope } from "effect"
import { hop, isRedirect } from "./hop.ts"
import type { HopOptions, OpenAnswer } from "./hop.ts"
import type { SafeFetchReason } from "./SafeFetchError.ts"
import { BadRedirect, SafeFetchError, TimedOut } from "./SafeFetchError.ts"
import type { TargetRules } from "./targetGuard.ts"
import { checkTarget } from "./targetGuard.ts"

/** Limits of one fetch; the layer's where absent. */
export interface FetchLimits {
  /** Bytes of the body once unpacked. */
  readonly maxBytes?: number
  /** All hops together. */
  readonly timeout?: Duration.Input
}

/** A complete answer, whatever its status. */
export interface SafeResponse {
  readonly status: number
  /** Of the last hop. */
  readonly url: string
  /** Names in lower case; repeated ones joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: Uint8Array
}

/** Settings of the layer. */
export interface SafeFetchOptions extends FetchLimits, TargetRules {
  /** Hops after the first; 5 by default. */
  readonly maxRedirects?: number
  readonly userAgent?: string
}

const fail = (reason: SafeFetchReason) => new SafeFetchError({ reason })

/** Guarded GET. */
export class SafeFetch extends Context.Service<
  SafeFetch,
  {
    /**
     * Fetches a URL and the redirects it answers with. Any status is an answer; fails with
     * {@link SafeFetchError} when there is none or when it must not be fetched.
     */
    readonly get: (
      url: string,
      options?: FetchLimits & { readonly headers?: Readonly<Record<string, string>> }
    ) => Effect.Effect<SafeResponse, SafeFetchError>
    /**
     * The same for what is too large to be held: the body is a stream, to be read within the scope. The time limit is
     * for the head of the answer; whoever reads bounds the rest, which ends in any case when the other side is silent.
     */
    readonly open: (url: string, limits?: FetchLimits) => Effect.Effect<OpenAnswer, SafeFetchError, Scope.Scope>
  }
>()("postroom/services/web/SafeFetch") {
  /** The service with these rules; without options only the public web on ports 80 and 443. */
  static readonly layer = (options: SafeFetchOptions = {}): Layer.Layer<SafeFetch> =>
    Layer.sync(SafeFetch, () => SafeFetch.of(makeSafeFetch(options)))
}

/** How long a server may be silent in the middle of an answer, ms. */
const silenceMs = 30_000

/** The service as a plain value; see {@link SafeFetch}. */
export const makeSafeFetch = (options: SafeFetchOptions = {}): SafeFetch["Service"] => {
  const maxRedirects = options.maxRedirects ?? 5
  const follow = Effect.fnUntraced(function* (input: string, how: HopOptions) {
    let target = yield* checkTarget(input, options)
    for (let redirects = 0; ; redirects++) {
      const answer = yield* hop(target, how)
      const location = answer.headers["location"]
      if (!isRedirect(answer.status)) return answer
      const detail =
        location === undefined
          ? "a redirect without location"
          : redirects === maxRedirects
            ? `more than ${maxRedirects} redirects`
            : undefined
      if (location === undefined || detail !== undefined)
        return yield* Effect.fail(fail(new BadRedirect({ url: answer.url, detail: detail ?? "" })))
      target = yield* checkTarget(location, options, target.url)
    }
  })

  const ask = (url: string, limits: FetchLimits, headers: Readonly<Record<string, string>> = {}) =>
    follow(url, {
      headers: {
        "user-agent": options.userAgent ?? "Postroom/1 (feed reader)",
        accept: "*/*",
        "accept-encoding": "gzip, deflate, br",
        connection: "close",
        ...headers
      },
      limit: limits.maxBytes ?? options.maxBytes ?? 5 * 1024 * 1024,
      silenceMs
    })

  const inTime = <A, R>(effect: Effect.Effect<A, SafeFetchError, R>, url: string, limits: FetchLimits) => {
    const timeout = limits.timeout ?? options.timeout ?? "20 seconds"
    const detail = `no complete answer within ${Duration.format(Duration.fromInputUnsafe(timeout))}`
    return Effect.timeoutOrElse(effect, {
      duration: timeout,
      orElse: () => Effect.fail(fail(new TimedOut({ url, detail })))
    })
  }

  const read = Effect.fnUntraced(function* ({ body, ...answer }: OpenAnswer) {
    const chunks = yield* Stream.runCollect(body)
    return { ...answer, bytes: new Uint8Array(Buffer.concat(chunks)) } satisfies SafeResponse
  })

  return {
    get: Effect.fn("SafeFetch.get")(function* (url, request = {}) {
      const whole = Effect.scoped(Effect.flatMap(ask(url, request, request.headers), read))
      return yield* inTime(whole, url, request)
    }),
    open: Effect.fn("SafeFetch.open")(function* (url, limits = {}) {
      return yield* inTime(ask(url, limits), url, limits)
    })
  }
}
