/**
 * A bucket in memory that speaks as much S3 as the store uses, over a real socket. It checks what a real one
 * checks: signatures, computed here from the protocol's text, hashes of bodies, conditions, and parts.
 */
import { Effect } from "effect"
import { createHash, createHmac } from "node:crypto"
import { createServer } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import { listening } from "./listening.ts"

interface Stored {
  readonly bytes: Buffer
  readonly at: number
}

/** What a test can make the bucket do, and see of it. */
export interface Bucket {
  readonly url: string
  readonly objects: Map<string, Stored>
  /** Uploads in parts that were neither completed nor aborted. */
  readonly uploads: Map<string, Map<number, Buffer>>
  /** `METHOD status` of every answer. */
  readonly answers: Array<string>
  /** How the next requests are answered, whatever they are: 200 as usual, 0 by a cut, else with that status. */
  readonly faults: Array<number>
  /** Whether it knows conditions on puts. */
  knowsConditions: boolean
}

export const s3Keys = { region: "test-1", accessKeyId: "a-key", secretAccessKey: "a secret" } as const

const sha256 = (data: string | Buffer) => createHash("sha256").update(data).digest("hex")
const hmac = (key: string | Buffer, data: string) => createHmac("sha256", key).update(data).digest()
const encoded = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

/** AWS Signature Version 4, by its description. */
const isSigned = (request: IncomingMessage, url: URL): boolean => {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)$/.exec(
      request.headers.authorization ?? ""
    )
  if (match === null) return false
  const [, key, day = "", region = "", names = "", signature] = match
  const query = [...url.searchParams]
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort()
    .join("&")
  const headers = names.split(";").map((name) => `${name}:${String(request.headers[name]).trim()}\n`)
  const path = url.pathname.split("/").map((part) => encoded(decodeURIComponent(part)))
  const hash = String(request.headers["x-amz-content-sha256"])
  const canonical = [request.method, path.join("/"), query, headers.join(""), names, hash].join("\n")
  const time = String(request.headers["x-amz-date"])
  const scope = `${day}/${region}/s3/aws4_request`
  const text = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n")
  const signing = [day, region, "s3", "aws4_request"].reduce<string | Buffer>(hmac, `AWS4${s3Keys.secretAccessKey}`)
  return (
    key === s3Keys.accessKeyId &&
    region === s3Keys.region &&
    ["if-none-match", "x-amz-copy-source", "range"].every(
      (name) => request.headers[name] === undefined || names.split(";").includes(name)
    ) &&
    hmac(signing, text).toString("hex") === signature
  )
}

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const errorXml = (code: string) => `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`

const pageSize = 3

/** A bucket that is there as long as the scope. */
export const startBucket = Effect.gen(function* () {
  const objects = new Map<string, Stored>()
  const uploads = new Map<string, Map<number, Buffer>>()
  const answers: Array<string> = []
  const faults: Array<number> = []
  const bucket = { url: "", objects, uploads, answers, faults, knowsConditions: true }
  let last = 0
  let uploadCount = 0
  const put = (key: string, bytes: Buffer) => {
    // Whole seconds, as the real one tells them, but never the same twice for one object.
    last = Math.max(last + 1_000, Math.floor(Date.now() / 1_000) * 1_000)
    objects.set(key, { bytes, at: last })
  }

  const answerTo = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", "http://bucket")
    const key = decodeURIComponent(url.pathname).replace(/^\/bucket\/?/, "")
    const body = await bodyOf(request)
    const say = (status: number, text: string | Buffer = "", headers: Record<string, string> = {}) => {
      answers.push(`${request.method} ${status}`)
      const length = headers["content-length"] ?? String(Buffer.byteLength(text))
      response.writeHead(status, { ...headers, "content-length": length }).end(request.method === "HEAD" ? "" : text)
    }
    const fault = faults.shift()
    if (fault === 0) return void request.socket.destroy()
    if (fault !== undefined && fault !== 200)
      return say(fault, errorXml(fault === 503 ? "SlowDown" : "ConditionalRequestConflict"))
    if (!isSigned(request, url)) return say(403, errorXml("SignatureDoesNotMatch"))
    if (sha256(body) !== request.headers["x-amz-content-sha256"]) return say(400, errorXml("XAmzContentSHA256Mismatch"))
    const condition = request.headers["if-none-match"]
    if (condition !== undefined && !bucket.knowsConditions) return say(501, errorXml("NotImplemented"))
    const isRefused = condition === "*" && objects.has(key)
    const uploadId = url.searchParams.get("uploadId") ?? ""
    const found = objects.get(key)

    if (request.method === "POST" && url.searchParams.has("uploads")) {
      const id = `upload-${++uploadCount}`
      uploads.set(id, new Map())
      return say(200, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`)
    }
    if (uploadId !== "") {
      const parts = uploads.get(uploadId)
      if (parts === undefined) return say(404, errorXml("NoSuchUpload"))
      if (request.method === "PUT") {
        parts.set(Number(url.searchParams.get("partNumber")), body)
        return say(200, "", { etag: `"${sha256(body)}"` })
      }
      if (request.method === "DELETE") return void (uploads.delete(uploadId), say(204))
      if (isRefused) return say(412, errorXml("PreconditionFailed"))
      const named = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]*)<\/ETag>/g)]
      const all = named.map(([, n, etag]) => ({ bytes: parts.get(Number(n)), etag }))
      if (all.some(({ bytes, etag }) => bytes === undefined || `"${sha256(bytes)}"` !== etag))
        return say(400, errorXml("InvalidPart"))
      put(key, Buffer.concat(all.map(({ bytes }) => bytes!)))
      uploads.delete(uploadId)
      return say(200, "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")
    }
    if (request.method === "PUT") {
      const source = request.headers["x-amz-copy-source"]
      if (source === undefined && isRefused) return say(412, errorXml("PreconditionFailed"))
      const bytes = source === undefined ? body : objects.get(String(source).replace("/bucket/", ""))?.bytes
      if (bytes === undefined) return say(404, errorXml("NoSuchKey"))
      put(key, bytes)
      return say(200)
    }
    if (request.method === "DELETE") return void (objects.delete(key), say(204))
    if (key === "") {
      const prefix = url.searchParams.get("prefix") ?? ""
      const after = url.searchParams.get("continuation-token") ?? ""
      const names = [...objects.keys()].filter((name) => name.startsWith(prefix) && name > after).sort()
      const page = names.slice(0, pageSize)
      const next = names.length > pageSize ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ""
      const entries = page.map((name) => {
        const { bytes, at } = objects.get(name)!
        return `<Contents><Key>${name}</Key><LastModified>${new Date(at).toISOString()}</LastModified><Size>${bytes.length}</Size></Contents>`
      })
      return say(200, `<ListBucketResult>${entries.join("")}${next}</ListBucketResult>`)
    }
    if (found === undefined) return say(404, errorXml("NoSuchKey"))
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "")
    if (range === null) return say(200, found.bytes, { "content-length": String(found.bytes.length) })
    const from = Number(range[1])
    if (from >= found.bytes.length) return say(416, errorXml("InvalidRange"))
    return say(206, found.bytes.subarray(from, range[2] === "" ? undefined : Number(range[2]) + 1))
  }

  const port = yield* listening(() => createServer((request, response) => void answerTo(request, response)))
  bucket.url = `http://127.0.0.1:${port}/bucket`
  return bucket as Bucket
})
