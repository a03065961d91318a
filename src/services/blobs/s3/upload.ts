/**
 * A complete file becomes an object under its hash, whole or not at all. One
 * that is there already is left as it is and only made young again; a large one
 * goes in parts, and nothing is left of it when it breaks off.
 */
import { Effect, Exit, Schedule } from "effect"
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { BlobError, NotFound, Unavailable } from "../BlobError.ts"
import { onDisk } from "../disk.ts"
import type { StagedFile } from "../staging.ts"
import { elementOf, refusalOf } from "./S3Client.ts"
import type { FilePart, S3Client } from "./S3Client.ts"

/** From this size on an object goes in parts, each of this size. */
export const partSize = 64 * 1024 * 1024

/** Parts on their way at a time. */
const partsAtOnce = 3

export const keyOf = (sha256: string): string => `sha256/${sha256}`

/** Only if there is none: two that put the same bytes at once do not overwrite each other. */
const onlyNew = { "if-none-match": "*" } as const

const unavailable = (detail: string) => new BlobError({ reason: new Unavailable({ detail }) })

/** Makes an object young, so that a sweep by age spares it; false when it is gone. */
const renew = (client: S3Client, sha256: string) =>
  Effect.map(
    client.ask(
      {
        method: "PUT",
        key: keyOf(sha256),
        headers: { "x-amz-copy-source": client.sourceOf(keyOf(sha256)), "x-amz-metadata-directive": "REPLACE" }
      },
      [404]
    ),
    ({ status }) => status !== 404
  )

const hashPart = (file: string, start: number, end: number) =>
  onDisk(async () => {
    const hash = createHash("sha256")
    for await (const chunk of createReadStream(file, { start, end, highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>)
      hash.update(chunk)
    return { file, start, end, sha256: hash.digest("hex") } satisfies FilePart
  })

/** True when the object is there now by us; false when it was there. */
const putWhole = (client: S3Client, { file, sha256, size }: StagedFile) =>
  Effect.gen(function* () {
    const body = { file, start: 0, end: size - 1, sha256 }
    const request = { method: "PUT", key: keyOf(sha256), body } as const
    const answer = yield* client.ask({ ...request, headers: onlyNew }, [409, 412, 501])
    if (answer.status === 409) return yield* unavailable("another put of the same object is under way")
    // The server knows no conditions: the same bytes under the same name do no harm.
    if (answer.status === 501) yield* client.ask(request)
    return answer.status !== 412
  })

const putParts = (client: S3Client, { file, sha256, size }: StagedFile) =>
  Effect.gen(function* () {
    const key = keyOf(sha256)
    const begun = yield* client.ask({ method: "POST", key, query: { uploads: "" } })
    const uploadId = elementOf(begun.text, "UploadId")
    if (uploadId === undefined) return yield* unavailable("the server began no upload in parts")
    const starts = Array.from({ length: Math.ceil(size / partSize) }, (_, n) => n * partSize)
    const send = Effect.gen(function* () {
      const tags = yield* Effect.forEach(
        starts,
        (start, n) =>
          Effect.gen(function* () {
            const body = yield* hashPart(file, start, Math.min(start + partSize, size) - 1)
            const sent = yield* client.ask({
              method: "PUT",
              key,
              query: { partNumber: String(n + 1), uploadId },
              body
            })
            return sent.headers.etag ?? ""
          }),
        { concurrency: partsAtOnce }
      )
      const parts = tags.map((tag, n) => `<Part><PartNumber>${n + 1}</PartNumber><ETag>${tag}</ETag></Part>`)
      const body = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join("")}</CompleteMultipartUpload>`
      const complete = { method: "POST", key, query: { uploadId }, body } as const
      const answer = yield* client.ask({ ...complete, headers: onlyNew }, [409, 412, 501])
      const last = answer.status === 501 ? yield* client.ask(complete) : answer
      // The answer begins before the work is done: a failure may come with a good status.
      if (last.status === 409 || last.text.includes("<Error>")) return yield* refusalOf(503, last.text, "complete")
      return last.status !== 412
    })
    return yield* Effect.onExit(send, (exit) =>
      Exit.isSuccess(exit) && exit.value
        ? Effect.void
        : Effect.ignore(client.ask({ method: "DELETE", key, query: { uploadId } }, [404]))
    )
  })

const busy = Schedule.exponential("50 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 6 }))

/** Keeps a staged file. */
export const keepFile = (client: S3Client, staged: StagedFile): Effect.Effect<void, BlobError> => {
  const once = Effect.gen(function* () {
    // Much is spared where much is there already.
    const isKnown = staged.size > partSize && (yield* renew(client, staged.sha256))
    if (isKnown) return
    const isNew = yield* staged.size > partSize ? putParts(client, staged) : putWhole(client, staged)
    if (!isNew && !(yield* renew(client, staged.sha256)))
      return yield* new BlobError({ reason: new NotFound({ detail: "it was deleted while it was put" }) })
  })
  return Effect.retry(once, {
    schedule: busy,
    while: ({ reason }) => reason._tag === "NotFound" || reason._tag === "Unavailable"
  })
}
