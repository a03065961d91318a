/**
 * Requests to a bucket that speaks S3, signed (AWS Signature Version 4) and sent
 * over connections that are kept. A body is a text or part of a file, and is
 * never whole in memory. Every refusal has one of the store's reasons.
 */
import { AwsV4Signer } from "aws4fetch"
import { Effect, Redacted, Schedule, type Scope } from "effect"
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import { BlobError, blobErrorOf, Corrupt, Forbidden, NotFound, StoreFull, Unavailable } from "../BlobError.ts"

/** Where the bucket is and who asks. */
export interface S3Options {
  /** Address of the bucket, with a prefix of all keys where wanted: `https://s3.example.org/bucket/prefix`. */
  readonly url: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: Redacted.Redacted
}

/** Part of a file: both ends included. */
export interface FilePart {
  readonly file: string
  readonly start: number
  readonly end: number
  /** SHA-256 of these bytes. */
  readonly sha256: string
}

export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE"
  /** Below the prefix; empty for the bucket itself. */
  readonly key: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | FilePart
}

/** An answer of any status. */
export interface S3Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: http.IncomingMessage
}

/** How long the other side may be silent, ms. */
const silenceMs = 30_000

const emptyHash = createHash("sha256").digest("hex")
const lengthOf = (body: S3Request["body"]): number =>
  body === undefined ? 0 : typeof body === "string" ? Buffer.byteLength(body) : body.end - body.start + 1
const hashOf = (body: S3Request["body"]): string =>
  body === undefined
    ? emptyHash
    : typeof body === "string"
      ? createHash("sha256").update(body).digest("hex")
      : body.sha256

/** The text of an answer, which is short. */
export const textOf = ({ body }: S3Answer): Effect.Effect<string, BlobError> =>
  Effect.tryPromise({
    try: async () => {
      let text = ""
      for await (const chunk of body.setEncoding("utf8") as AsyncIterable<string>) text += chunk
      return text
    },
    catch: blobErrorOf
  })

/** What an element of an answer in XML holds. */
export const elementOf = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]

/** The error that an answer tells. */
export const refusalOf = (status: number, text: string, what: string): BlobError => {
  const code = elementOf(text, "Code") ?? ""
  const detail = `${what}: ${status} ${code}`.trim()
  if (status === 404) return new BlobError({ reason: new NotFound({ detail }) })
  if (status === 401 || status === 403) return new BlobError({ reason: new Forbidden({ detail }) })
  if (status === 507 || /Full|Quota/.test(code)) return new BlobError({ reason: new StoreFull({ detail }) })
  if (/Digest|SHA256Mismatch|Checksum/i.test(code)) return new BlobError({ reason: new Corrupt({ detail }) })
  return new BlobError({ reason: new Unavailable({ detail }) })
}

const passing = Schedule.exponential("100 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 4 }))

/** A client of the bucket; its connections go with the scope. */
export const makeS3Client = Effect.fnUntraced(function* ({ url, region, accessKeyId, secretAccessKey }: S3Options) {
  const base = new URL(url.replace(/\/*$/, ""))
  const [, bucket = "", ...prefix] = base.pathname.split("/")
  const keyPrefix = prefix.map((part) => `${decodeURIComponent(part)}/`).join("")
  const transport = base.protocol === "https:" ? https : http
  const agent = yield* Effect.acquireRelease(
    Effect.sync(() => new transport.Agent({ keepAlive: true, maxSockets: 32 })),
    (open) => Effect.sync(() => open.destroy())
  )

  const signed = (request: S3Request) =>
    Effect.tryPromise({
      try: () => {
        const target = new URL(base.origin)
        const path = request.key === "" ? bucket : `${bucket}/${keyPrefix}${request.key}`
        target.pathname = `/${path.split("/").map(encodeURIComponent).join("/")}`
        for (const [name, value] of Object.entries(request.query ?? {})) target.searchParams.set(name, value)
        return new AwsV4Signer({
          method: request.method,
          url: target.href,
          headers: { ...request.headers, "x-amz-content-sha256": hashOf(request.body) },
          service: "s3",
          region,
          accessKeyId,
          secretAccessKey: Redacted.value(secretAccessKey),
          // What is meant by them depends on them: they are signed too.
          allHeaders: true
        }).sign()
      },
      catch: blobErrorOf
    })

  const exchange = (request: S3Request, to: { readonly url: URL; readonly headers: Headers }) =>
    Effect.gen(function* () {
      const { body } = request
      const headers = { ...Object.fromEntries(to.headers), "content-length": String(lengthOf(body)) }
      const sent = yield* Effect.acquireRelease(
        Effect.sync(() => transport.request(to.url, { method: request.method, headers, agent })),
        // An answer that was read whole leaves its connection to the next request.
        (open) => Effect.sync(() => void (open.closed || open.destroy()))
      )
      const answer = yield* Effect.callback<http.IncomingMessage, BlobError>((resume) => {
        const failed = (cause: unknown) => resume(Effect.fail(blobErrorOf(cause)))
        sent.setTimeout(silenceMs, () => void sent.destroy(new Error(`silent for ${silenceMs} ms`)))
        sent.on("error", failed)
        sent.once("response", (message) => resume(Effect.succeed(message)))
        if (body === undefined || typeof body === "string") sent.end(body)
        else if (body.end < body.start) sent.end()
        else
          createReadStream(body.file, { start: body.start, end: body.end, highWaterMark: 1 << 18 })
            .on("error", (cause) => void sent.destroy(cause))
            .pipe(sent)
      })
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: answer } satisfies S3Answer
    })

  /** Asks, again where the other side has a bad moment; an answer of any other status is an answer. */
  const send = (request: S3Request): Effect.Effect<S3Answer, BlobError, Scope.Scope> =>
    Effect.flatMap(signed(request), (to) => exchange(request, to)).pipe(
      Effect.flatMap((answer) =>
        answer.status === 429 || (answer.status >= 500 && answer.status !== 501 && answer.status !== 507)
          ? Effect.flatMap(textOf(answer), (text) =>
              Effect.fail(refusalOf(answer.status, text, `${request.method} ${request.key}`))
            )
          : Effect.succeed(answer)
      ),
      Effect.retry({ schedule: passing, while: ({ reason }) => reason._tag === "Unavailable" })
    )

  /** Asks for what is to succeed, and reads the answer's text. */
  const ask = (request: S3Request, alsoFine: ReadonlyArray<number> = []) =>
    Effect.scoped(
      Effect.gen(function* () {
        const answer = yield* send(request)
        const text = yield* textOf(answer)
        if (answer.status < 300 || alsoFine.includes(answer.status)) return { ...answer, text }
        return yield* refusalOf(answer.status, text, `${request.method} ${request.key}`)
      })
    )

  /** The full key of `key`, as copies name their source. */
  const sourceOf = (key: string) => `/${bucket}/${keyPrefix}${key}`

  return { send, ask, keyPrefix, sourceOf }
})
export type S3Client = Effect.Success<ReturnType<typeof makeS3Client>>
