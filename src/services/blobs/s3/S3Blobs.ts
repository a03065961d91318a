/**
 * The blob store in a bucket that speaks S3: `sha256/<hash>` for each blob. What
 * comes in is written to a folder first, where its hash is found out, so that the
 * bucket never has anything but complete objects under their own names.
 */
import { Effect, Layer, Stream } from "effect"
import { createWriteStream } from "node:fs"
import { pipeline } from "node:stream/promises"
import type { BlobError } from "../BlobError.ts"
import { blobErrorOf } from "../BlobError.ts"
import { checkBlobName, isBlobName } from "../blobName.ts"
import { type ByteRange, Blobs, keepStaged, type ListedBlob, type PutOptions, type StagedBlob } from "../Blobs.ts"
import { onDisk } from "../disk.ts"
import { makeStaging, type StagedFile, type StagingOptions } from "../staging.ts"
import { elementOf, makeS3Client, refusalOf, textOf } from "./S3Client.ts"
import type { S3Options } from "./S3Client.ts"
import { keepFile, keyOf } from "./upload.ts"

export interface S3BlobsOptions extends S3Options, StagingOptions {
  /** The folder in which content arrives, and in which programs are lent files. */
  readonly folder: string
}

/** The header that asks for a range; null for one of no bytes. */
const rangeHeader = ({ offset, length }: ByteRange): Record<string, string> | null =>
  length === 0 ? null : { range: `bytes=${offset}-${length === undefined ? "" : offset + length - 1}` }

const listedOf = (xml: string): ReadonlyArray<ListedBlob> =>
  xml
    .split("<Contents>")
    .slice(1)
    .flatMap((entry) => {
      const sha256 = elementOf(entry, "Key")?.split("/").at(-1) ?? ""
      const putAt = Date.parse(elementOf(entry, "LastModified") ?? "")
      return isBlobName(sha256) ? [{ sha256, size: Number(elementOf(entry, "Size")), putAt }] : []
    })

const makeS3Blobs = Effect.fnUntraced(function* (options: S3BlobsOptions) {
  const client = yield* makeS3Client(options)
  const staging = yield* makeStaging(options.folder, options)

  const keptBy = (staged: StagedFile): StagedBlob => ({
    sha256: staged.sha256,
    size: staged.size,
    head: staged.head,
    keep: keepFile(client, staged)
  })
  // The file here is only on its way: it need not outlive a power failure, the object does.
  const stage: Blobs["Service"]["stage"] = (content, how) =>
    Effect.map(staging.take(content, { ...how, durable: false }), keptBy)

  const open = Effect.fnUntraced(function* (sha256: string, range: ByteRange) {
    const key = keyOf(yield* checkBlobName(sha256))
    const headers = rangeHeader(range)
    const answer = yield* client.send(
      headers === null
        ? { method: "HEAD", key }
        : { method: "GET", key, headers: range.offset > 0 || range.length ? headers : {} }
    )
    if (answer.status === 416) return null
    if (answer.status >= 300) return yield* refusalOf(answer.status, yield* textOf(answer), `GET ${key}`)
    return headers === null ? null : answer.body
  })

  const get = (sha256: string, range: ByteRange = { offset: 0 }): Stream.Stream<Uint8Array, BlobError> =>
    Stream.unwrap(
      Effect.map(open(sha256, range), (body) =>
        body === null ? Stream.empty : Stream.fromAsyncIterable(body as AsyncIterable<Uint8Array>, blobErrorOf)
      )
    )

  const head = Effect.fnUntraced(function* (sha256: string) {
    const answer = yield* client.ask({ method: "HEAD", key: keyOf(yield* checkBlobName(sha256)) })
    return { sha256, size: Number(answer.headers["content-length"]) }
  })

  const page = (prefix: string, token: string | undefined) =>
    client.ask({
      method: "GET",
      key: "",
      query: {
        "list-type": "2",
        prefix: `${client.keyPrefix}sha256/${prefix}`,
        ...(token === undefined ? {} : { "continuation-token": token })
      }
    })

  const list = (prefix = ""): Stream.Stream<ListedBlob, BlobError> => {
    const from = (token: string | undefined): Stream.Stream<ListedBlob, BlobError> =>
      Stream.unwrap(
        Effect.map(page(prefix, token), ({ text }) => {
          const next = elementOf(text, "NextContinuationToken")
          const here = Stream.fromIterable(listedOf(text))
          return next === undefined
            ? here
            : Stream.concat(
                here,
                Stream.suspend(() => from(next))
              )
        })
      )
    return from(undefined)
  }

  return Blobs.of({
    stage,
    put: (content, how) => Effect.scoped(Effect.flatMap(stage(content, how), keepStaged)),
    putFile: (source: string, how?: PutOptions) =>
      Effect.scoped(
        Effect.flatMap(staging.takeFile(source, { ...how, durable: false }), (file) => keepStaged(keptBy(file)))
      ),
    get,
    file: Effect.fnUntraced(function* (sha256: string) {
      const file = yield* staging.place
      const body = yield* open(sha256, { offset: 0 })
      if (body !== null) yield* onDisk(() => pipeline(body, createWriteStream(file, { flags: "wx", mode: 0o600 })))
      return file
    }),
    head,
    delete: Effect.fnUntraced(function* (sha256: string) {
      const key = keyOf(yield* checkBlobName(sha256))
      const found = yield* client.ask({ method: "HEAD", key }, [404])
      yield* client.ask({ method: "DELETE", key }, [404])
      return found.status !== 404
    }),
    list
  })
})

/** The blob store in the bucket at `options.url`, which must be there. */
export const layerS3Blobs = (options: S3BlobsOptions): Layer.Layer<Blobs, BlobError> =>
  Layer.effect(Blobs, makeS3Blobs(options))
