/**
 * One request to one checked address: the head of the answer, and its body as
 * a stream that is unpacked and bounded while it is read. Nothing of it stays
 * open behind the scope.
 */
import type { IncomingMessage, RequestOptions } from "node:http"
import { request as requestHttp } from "node:http"
import { request as requestHttps } from "node:https"
import type { LookupFunction } from "node:net"
import { pipeline } from "node:stream"
import type { Readable } from "node:stream"
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib"
import { Effect, Stream } from "effect"
import type { Scope } from "effect"
import type { SafeFetchReason } from "./SafeFetchError.ts"
import { BadEncoding, SafeFetchError, TimedOut, TooLarge, Unreachable } from "./SafeFetchError.ts"
import type { CheckedTarget } from "./targetGuard.ts"

/** An answer whose body is still to be read, whatever its status. */
export interface OpenAnswer {
  readonly status: number
  /** Of the last hop. */
  readonly url: string
  /** Names in lower case; repeated ones joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  /** Unpacked. Fails where it has more bytes than allowed. Empty for a redirect. */
  readonly body: Stream.Stream<Uint8Array, SafeFetchError>
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

/** What broke off while the body was read. */
const explain = (cause: unknown, url: string): SafeFetchError => {
  if (cause instanceof SafeFetchError) return cause
  const { message: detail, code } = cause as NodeJS.ErrnoException
  return fail(
    code?.startsWith("Z_") === true ||
      code?.startsWith("ERR_BROTLI") === true ||
      code?.startsWith("ERR__ERROR_FORMAT") === true
      ? new BadEncoding({ url, detail })
      : new Unreachable({ url, detail })
  )
}

const bodyOf = (message: IncomingMessage, url: string, limit: number): Stream.Stream<Uint8Array, SafeFetchError> => {
  const stream = unpacked(message)
  if (stream === undefined) {
    message.destroy()
    const detail = `content-encoding ${message.headers["content-encoding"]}`
    return Stream.fail(fail(new BadEncoding({ url, detail })))
  }
  const bounded = async function* () {
    let size = 0
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > limit) {
        message.destroy()
        throw fail(new TooLarge({ url, limit, detail: `more than ${limit} bytes` }))
      }
      yield chunk
    }
  }
  return Stream.fromAsyncIterable(bounded(), (cause) => explain(cause, url))
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

export const isRedirect = (status: number) => [301, 302, 303, 307, 308].includes(status)

/** How one request is made. */
export interface HopOptions {
  readonly headers: Readonly<Record<string, string>>
  /** Most bytes of the body. */
  readonly limit: number
  /** How long the other side may be silent, ms. */
  readonly silenceMs: number
}

/** Asks the target; answered when the head of the answer is there. */
export const hop = (
  target: CheckedTarget,
  { headers, limit, silenceMs }: HopOptions
): Effect.Effect<OpenAnswer, SafeFetchError, Scope.Scope> =>
  Effect.gen(function* () {
    const { url } = target
    const options: RequestOptions = { method: "GET", agent: false, headers, lookup: pinned(target) }
    const request = yield* Effect.acquireRelease(
      Effect.sync(() => (url.protocol === "https:" ? requestHttps : requestHttp)(url, options)),
      (open) =>
        Effect.sync(() => {
          open.destroy()
        })
    )
    const silent = () => {
      request.destroy(fail(new TimedOut({ url: url.href, detail: `silent for ${silenceMs} ms` })))
    }
    const message = yield* Effect.callback<IncomingMessage, SafeFetchError>((resume) => {
      request.setTimeout(silenceMs, silent)
      // Stays for what comes after the answer has begun: the body's reader sees that too.
      request.on("error", (cause) => resume(Effect.fail(explain(cause, url.href))))
      request.once("response", (answer) => resume(Effect.succeed(answer)))
      request.end()
    })
    const status = message.statusCode ?? 0
    if (isRedirect(status)) message.destroy()
    const body = isRedirect(status) ? Stream.empty : bodyOf(message, url.href, limit)
    return { status, url: url.href, headers: headersOf(message), body }
  })
