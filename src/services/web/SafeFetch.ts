/**
 * HTTP(S) GET for URLs that users give: feeds, pages, pictures. Guards our network from them
 * (see targetGuard.ts), follows redirects hop by hop with the same guard, and bounds bytes and time.
 * No cookies, no credentials, no connection kept.
 */
import type { IncomingMessage, RequestOptions } from "node:http"
import { request as requestHttp } from "node:http"
import { request as requestHttps } from "node:https"
import type { LookupFunction } from "node:net"
import { pipeline } from "node:stream"
import type { Readable } from "node:stream"
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib"
import { Context, Duration, Effect, Layer } from "effect"
import type { SafeFetchReason } from "./SafeFetchError.ts"
import { BadEncoding, BadRedirect, SafeFetchError, TimedOut, TooLarge, Unreachable } from "./SafeFetchError.ts"
import type { CheckedTarget, TargetRules } from "./targetGuard.ts"
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

const headersOf = (message: IncomingMessage): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : (value ?? "")
    ])
  )

const decoders: Readonly<Record<string, () => ReturnType<typeof createGunzip>>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress
}

/** The stream of unpacked bytes; undefined for an encoding we cannot unpack. */
const unpacked = (message: IncomingMessage): Readable | undefined => {
  const encoding = (message.headers["content-encoding"] ?? "").trim().toLowerCase()
  if (encoding === "" || encoding === "identity") return message
  const decoder = decoders[encoding]
  // The iterator below sees the error; the callback only keeps it from being unhandled.
  return decoder === undefined ? undefined : pipeline(message, decoder(), () => undefined)
}

const readBody = async (message: IncomingMessage, url: string, limit: number): Promise<Uint8Array | SafeFetchError> => {
  const stream = unpacked(message)
  if (stream === undefined) {
    message.destroy()
    return fail(new BadEncoding({ url, detail: `content-encoding ${message.headers["content-encoding"]}` }))
  }
  const chunks: Array<Buffer> = []
  let size = 0
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > limit) {
        message.destroy()
        return fail(new TooLarge({ url, limit, detail: `more than ${limit} bytes` }))
      }
      chunks.push(chunk)
    }
    return new Uint8Array(Buffer.concat(chunks))
  } catch (cause) {
    const { message: detail, code } = cause as NodeJS.ErrnoException
    return fail(
      code?.startsWith("Z_") === true ||
        code?.startsWith("ERR_BROTLI") === true ||
        code?.startsWith("ERR__ERROR_FORMAT") === true
        ? new BadEncoding({ url, detail })
        : new Unreachable({ url, detail })
    )
  }
}

/** Hands the checked addresses to the socket instead of asking a name server again. */
const pinned =
  ({ addresses }: CheckedTarget): LookupFunction =>
  (_hostname, options, callback) => {
    const first = addresses[0]
    if (options.all === true)
      callback(
        null,
        addresses.map(({ address, family }) => ({ address, family }))
      )
    else callback(null, first?.address ?? "", first?.family)
  }

/** One hop: the answer, with an empty body when it is a redirect. */
const hop = (
  target: CheckedTarget,
  headers: Readonly<Record<string, string>>,
  limit: number
): Effect.Effect<SafeResponse, SafeFetchError> =>
  Effect.callback((resume) => {
    const { url } = target
    const options: RequestOptions = { method: "GET", agent: false, headers, lookup: pinned(target) }
    const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, options)
    request.once("error", (cause) =>
      resume(Effect.fail(fail(new Unreachable({ url: url.href, detail: cause.message }))))
    )
    request.once("response", (message) => {
      const answer = { status: message.statusCode ?? 0, url: url.href, headers: headersOf(message) }
      if (isRedirect(answer.status)) {
        message.destroy()
        return resume(Effect.succeed({ ...answer, bytes: new Uint8Array() }))
      }
      void readBody(message, url.href, limit).then((body) =>
        resume(body instanceof SafeFetchError ? Effect.fail(body) : Effect.succeed({ ...answer, bytes: body }))
      )
    })
    request.end()
    return Effect.sync(() => {
      request.destroy()
    })
  })

const isRedirect = (status: number) => [301, 302, 303, 307, 308].includes(status)

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
  }
>()("postroom/services/web/SafeFetch") {
  /** The service with these rules; without options only the public web on ports 80 and 443. */
  static readonly layer = (options: SafeFetchOptions = {}): Layer.Layer<SafeFetch> =>
    Layer.sync(SafeFetch, () => SafeFetch.of(makeSafeFetch(options)))
}

/** The service as a plain value; see {@link SafeFetch}. */
export const makeSafeFetch = (options: SafeFetchOptions = {}): SafeFetch["Service"] => {
  const maxRedirects = options.maxRedirects ?? 5
  const follow = Effect.fnUntraced(function* (input: string, headers: Readonly<Record<string, string>>, limit: number) {
    let target = yield* checkTarget(input, options)
    for (let redirects = 0; ; redirects++) {
      const answer = yield* hop(target, headers, limit)
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
  return {
    get: Effect.fn("SafeFetch.get")(function* (url, request = {}) {
      const timeout = request.timeout ?? options.timeout ?? "20 seconds"
      const headers = {
        "user-agent": options.userAgent ?? "Postroom/1 (feed reader)",
        accept: "*/*",
        "accept-encoding": "gzip, deflate, br",
        connection: "close",
        ...request.headers
      }
      return yield* follow(url, headers, request.maxBytes ?? options.maxBytes ?? 5 * 1024 * 1024).pipe(
        Effect.timeoutOrElse({
          duration: timeout,
          orElse: () =>
            Effect.fail(
              fail(
                new TimedOut({
                  url,
                  detail: `no complete answer within ${Duration.format(Duration.fromInputUnsafe(timeout))}`
                })
              )
            )
        })
      )
    })
  }
}
