/** What may be answered to a request, and what is a finding. Knows the contract and nothing of how it is served. */
import type { Answered, Reply } from "./Connection.ts"
import type { Operation } from "./Operations.ts"
import type { Kind } from "./requests.ts"
import { headerOf, isUnfinished } from "./Wire.ts"
import type { WireRequest } from "./Wire.ts"

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const framingHeaders = new Set(["content-length", "transfer-encoding", "connection", "upgrade", "expect"])

/** Whether a request is one, as HTTP/1.1 has it, so that another may follow it on its connection. */
export const isClean = (request: WireRequest): boolean =>
  request.version === "HTTP/1.1" &&
  token.test(request.method) &&
  request.method !== "CONNECT" &&
  /^\/[!-~]*$/.test(request.target) &&
  request.headers.every(([name, value]) => token.test(name) && !/[^\t -\xff]|\x7f/.test(value)) &&
  request.headers.some(([name]) => name === "host") &&
  !request.headers.some(([name]) => framingHeaders.has(name.toLowerCase())) &&
  !isUnfinished(request) &&
  (request.framing !== "bare" || request.body.length === 0)

/** The JSON an answer holds; undefined where it is none. */
export const jsonOf = ({ body }: Answered): unknown => {
  try {
    return JSON.parse(body.toString("utf8")) as unknown
  } catch {
    return undefined
  }
}

const isPath = (path: unknown): boolean =>
  Array.isArray(path) && path.length > 0 && path.every((part) => typeof part === "string" || typeof part === "number")

const problemFault = (reply: Answered, method: string): string | null => {
  if (reply.headers.get("content-type")?.startsWith("application/problem+json") !== true) {
    return `${reply.status} is no problem+json but ${reply.headers.get("content-type") ?? "of no type"}`
  }
  if (method === "HEAD") return null
  const problem = jsonOf(reply) as Record<string, unknown> | undefined
  if (typeof problem !== "object" || problem === null) return `${reply.status} has a body that is no JSON object`
  for (const name of ["_tag", "type", "title", "detail"]) {
    const member = problem[name]
    if (typeof member !== "string" || member === "") return `${reply.status} has no ${name}`
  }
  if (problem["status"] !== reply.status) return `${reply.status} says its status is ${String(problem["status"])}`
  const errors = problem["errors"]
  if (errors === undefined) return null
  if (!Array.isArray(errors)) return `${reply.status} has errors that are no list`
  for (const error of errors as ReadonlyArray<Record<string, unknown>>) {
    if (!isPath(error["path"]) && error["message"] === undefined) return `${reply.status} names a field without a path`
    if (typeof error["message"] !== "string" || error["message"] === "")
      return `${reply.status} names a field and no reason`
  }
  return null
}

/** What any request may be told before it is known which operation it means. */
const ofTransport = new Set([408, 417, 431])

const successes = new Set([200, 202])

/** What is wrong with the reply, in one sentence that is the same for the same fault; null where nothing is. */
export const faultOf = (
  request: WireRequest,
  kind: Kind,
  reply: Reply,
  matches: ReadonlyArray<Operation>
): string | null => {
  if (reply.kind === "silent") return isUnfinished(request) || !isClean(request) ? null : "no answer"
  if (reply.kind === "closed") return isUnfinished(request) ? null : "closed without an answer"
  const { status } = reply
  if (!(status >= 200)) return "no status"
  if (status >= 500) return `status ${status}`
  if (reply.headers.get("x-content-type-options") !== "nosniff") return `${status} without nosniff`
  const operation = matches.find((one) => one.method === request.method)
  if (status >= 400) {
    const fault = problemFault(reply, request.method)
    if (fault !== null) return fault
    if (status === 405 && !reply.headers.has("allow")) return "405 without Allow"
    if (status === 401 && !reply.headers.has("www-authenticate")) return "401 without WWW-Authenticate"
  } else {
    if (!successes.has(status)) return `status ${status}`
    if (
      operation === undefined &&
      request.method !== "HEAD" &&
      isClean(request) &&
      !request.target.startsWith("/openapi.json")
    )
      return `${status} for what is not documented`
    if (operation !== undefined && !operation.path.endsWith("/metrics") && jsonOf(reply) === undefined)
      return `${status} with a body that is no JSON`
    const isOpen = operation === undefined || operation.path.includes("/health/")
    if (!isOpen && !/^bearer \S/i.test(headerOf(request, "authorization") ?? "")) return `${status} without a token`
  }
  if (operation !== undefined && isClean(request) && !operation.statuses.has(status) && !ofTransport.has(status)) {
    return `${status} is not documented for ${operation.method} ${operation.path}`
  }
  if (kind === "valid" && (status === 400 || status === 401 || status === 405 || status === 413 || status === 415)) {
    return `${status} to a valid request`
  }
  return null
}
