/**
 * What Node refuses before there is a request: bytes that are no HTTP, headers
 * without a limit, an expectation that nobody can meet, a tunnel. By itself it
 * would answer with an empty body or with nothing; here it is a problem too.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import { STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import { problemType } from "./Problems.ts"

interface Refusal {
  readonly tag: string
  readonly status: number
  readonly detail: string
}

const noHttp: Refusal = { tag: "BadRequest", status: 400, detail: "the request cannot be read: it is no HTTP/1.1" }

/** By the code of Node's error. */
const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    tag: "HeadersTooLarge",
    status: 431,
    detail: "the path and the headers are too large: send less in them"
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { tag: "BodyTooLarge", status: 413, detail: "the chunk extensions are too large" },
  ERR_HTTP_REQUEST_TIMEOUT: {
    tag: "RequestTimeout",
    status: 408,
    detail: "the request did not arrive in time: send it again, and faster"
  }
}

const unmet: Refusal = {
  tag: "ExpectationFailed",
  status: 417,
  detail: "only Expect: 100-continue can be met: leave the header out"
}

const tunnel: Refusal = { tag: "MethodNotAllowed", status: 405, detail: "CONNECT is not possible: this is no proxy" }

const written = ({ tag, status, detail }: Refusal, more: Readonly<Record<string, string>> = {}) => {
  const title = STATUS_CODES[status]!
  const body = JSON.stringify({ _tag: tag, type: "about:blank", title, status, detail })
  const headers = {
    ...more,
    "content-type": problemType,
    "content-length": String(Buffer.byteLength(body)),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    connection: "close"
  }
  return { title, body, headers }
}

const sendTo = (socket: Duplex, refusal: Refusal, more?: Readonly<Record<string, string>>): void => {
  const { title, body, headers } = written(refusal, more)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${refusal.status} ${title}\r\n${lines.join("")}\r\n${body}`, () => socket.destroy())
}

interface Open {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Makes `server` answer these too. */
export const answerUnreadable = (server: Server): Server => {
  const open = new WeakMap<Duplex, Set<Open>>()

  const begun = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request
    const requests = open.get(socket) ?? new Set()
    const one = { request, response }
    open.set(socket, requests.add(one))
    response.once("close", () => requests.delete(one))
  }

  /** Refuses what came after the requests that are still being answered: their answers go first, in order. */
  const refuse = (socket: Duplex, refusal: Refusal, more?: Readonly<Record<string, string>>): void => {
    const [first] = open.get(socket) ?? []
    if (!socket.writable) return void socket.destroy()
    if (first === undefined) return sendTo(socket, refusal, more)
    if (first.request.complete) return void first.response.once("close", () => refuse(socket, refusal, more))
    // It was this one that broke off, while its body was being read: in the middle of its answer nothing can be said.
    if (first.response.headersSent) return void socket.destroy()
    sendTo(socket, refusal, more)
  }

  server.prependListener("request", begun)
  server.on("clientError", (error: NodeJS.ErrnoException, socket) =>
    refuse(socket, refusals[error.code ?? ""] ?? noHttp)
  )
  server.on("checkExpectation", (_request, response) => {
    const { body, headers } = written(unmet)
    response.writeHead(unmet.status, headers).end(body)
  })
  server.on("connect", (_request, socket) => {
    // Nobody listens to a socket that was meant to become a tunnel.
    socket.on("error", () => socket.destroy())
    refuse(socket, tunnel, { allow: "GET, HEAD, POST" })
  })
  return server
}
