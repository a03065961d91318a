/**
 * How long the body of a request may take. Node knows one time for all; a file
 * takes as long as it takes, as long as it moves, and anything else is small.
 */
import type { IncomingMessage, Server } from "node:http"

/** Outer bound of any request, files included, ms. */
export const longestRequest = 6 * 3_600_000

/** How long a small body may take as a whole, and a file be silent. */
export interface BodyTimes {
  readonly wholeMs: number
  readonly silenceMs: number
}

const upload = /^\/api\/v1\/items\/[^/?]+\/?(content\/?)?(\?|$)/

/** Whether the body is a file. */
const isFile = ({ headers, url }: IncomingMessage): boolean =>
  headers["content-type"]?.startsWith("multipart/form-data") === true && upload.test(url ?? "")

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0"

/** Has `server` say of a body that takes longer what it says of a head that does. */
export const boundBodies = (server: Server, { wholeMs, silenceMs }: BodyTimes): Server =>
  server.prependListener("request", (request) => {
    if (!hasBody(request)) return
    const late = () => {
      if (request.complete) return
      const error = Object.assign(new Error("the body did not arrive in time"), { code: "ERR_HTTP_REQUEST_TIMEOUT" })
      server.emit("clientError", error, request.socket)
    }
    if (isFile(request)) {
      request.setTimeout(silenceMs, late)
      request.once("close", () => request.socket.setTimeout(0))
    } else {
      const timer = setTimeout(late, wholeMs)
      request.once("close", () => clearTimeout(timer))
    }
  })
