/**
 * A file as an answer: its SHA-256 as ETag, ranges, and headers that keep a
 * browser from running what somebody uploaded. RFC 9110 (conditions in section
 * 13, ranges in 14), RFC 6266 (file names).
 */
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import type { HttpServerRequest } from "effect/http"
import { Blobs } from "../../services/blobs/Blobs.ts"
import { isRaster } from "../../services/content/mediaType.ts"
import { RangeNotSatisfiable, responseOf } from "../Problems.ts"
import { storeUnavailable } from "./form.ts"

/** What is to be handed out. */
export interface ServedFile {
  readonly sha256: string
  /** Bytes. */
  readonly size: number
  readonly type: string
  readonly name: string
}

const percent = (text: string): string =>
  encodeURIComponent(text).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

/** The name in ASCII for old clients, and in full. */
export const dispositionOf = ({ type, name }: Pick<ServedFile, "type" | "name">): string => {
  const plain = name.replace(/[^\x20-\x7e]|["\\%/]/g, "_")
  return `${isRaster(type) ? "inline" : "attachment"}; filename="${plain}"; filename*=UTF-8''${percent(name)}`
}

/** Whether a condition names the file. */
const names = (condition: string | undefined, etag: string): boolean =>
  condition !== undefined &&
  condition.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === etag)

type Range = { readonly from: number; readonly to: number } | "all" | "none"

/** The one range that is asked for, both ends included; several, and what is no range, are answered with the whole. */
export const rangeOf = (header: string | undefined, size: number): Range => {
  const match = /^bytes=(\d{0,16})-(\d{0,16})$/i.exec(header?.replaceAll(" ", "") ?? "")
  if (match === null) return "all"
  const [, first = "", last = ""] = match
  if (first === "" && last === "") return "all"
  if (first === "")
    return Number(last) === 0 || size === 0 ? "none" : { from: Math.max(0, size - Number(last)), to: size - 1 }
  if (last !== "" && Number(last) < Number(first)) return "all"
  if (Number(first) >= size) return "none"
  return { from: Number(first), to: last === "" ? size - 1 : Math.min(Number(last), size - 1) }
}

/** The answer to a request that may see the file. */
export const serveFile = Effect.fnUntraced(function* (
  file: ServedFile,
  { headers, method }: HttpServerRequest.HttpServerRequest
) {
  const blobs = yield* Blobs
  const etag = `"${file.sha256}"`
  const always = {
    etag,
    // Rights may change: whoever has it asks again, and is told that it is the same.
    "cache-control": "private, no-cache",
    "accept-ranges": "bytes",
    "content-disposition": dispositionOf(file),
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff"
  }
  if (names(headers["if-none-match"], etag)) return HttpServerResponse.empty({ status: 304, headers: always })
  const isSame = headers["if-range"] === undefined || headers["if-range"] === etag
  const range = method === "GET" && isSame ? rangeOf(headers["range"], file.size) : "all"
  if (range === "none")
    return HttpServerResponse.setHeader(
      responseOf(RangeNotSatisfiable.of(file.size)),
      "content-range",
      `bytes */${file.size}`
    )
  // Before the head of the answer is sent: then there is a way to say that the file is not to be had.
  yield* Effect.catchTag(blobs.head(file.sha256), "BlobError", storeUnavailable)
  const { from, to } = range === "all" ? { from: 0, to: file.size - 1 } : range
  const length = to - from + 1
  return HttpServerResponse.stream(blobs.get(file.sha256, { offset: from, length }), {
    status: range === "all" ? 200 : 206,
    contentType: file.type.startsWith("text/") ? `${file.type}; charset=utf-8` : file.type,
    contentLength: length,
    headers: {
      ...always,
      ...(range === "all" ? {} : { "content-range": `bytes ${from}-${to}/${file.size}` })
    }
  })
})
