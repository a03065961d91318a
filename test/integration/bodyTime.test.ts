/** How long bodies of requests may take, on real sockets: what is small as a whole, a file as long as it moves. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { once } from "node:events"
import { createServer } from "node:http"
import * as net from "node:net"
import { boundBodies } from "../../src/api/bodyTime.ts"
import { answerUnreadable } from "../../src/api/unreadable.ts"
import { listening } from "../support/listening.ts"

const served = (times: { readonly wholeMs: number; readonly silenceMs: number }) =>
  listening(() => {
    const server = createServer((request, response) => {
      request.resume().once("end", () => response.end("read"))
    })
    return boundBodies(answerUnreadable(server), times)
  })

const upload =
  "POST /api/v1/items/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 9\r\n\r\n"
const event = "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"

/** A request whose body begins and does not go on by itself. */
const begin = (port: number, head: string) => {
  const socket = net.connect(port, "127.0.0.1")
  socket.write(`${head}1234`)
  const answer = once(socket, "data").then(([chunk]) => String(chunk).split("\r\n", 1)[0])
  return { socket, answer: Effect.promise(() => answer) }
}

describe("the body of a request", () => {
  it.live("that is small has its time, in which a file that still comes is left alone", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const port = yield* served({ wholeMs: 50, silenceMs: 60_000 })
        const file = begin(port, upload)
        const posted = begin(port, event)
        assert.strictEqual(yield* posted.answer, "HTTP/1.1 408 Request Timeout")
        file.socket.write("56789")
        assert.strictEqual(yield* file.answer, "HTTP/1.1 200 OK")
        file.socket.destroy()
      })
    )
  )

  it.live("that is a file has no more time than it is silent for", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const port = yield* served({ wholeMs: 60_000, silenceMs: 50 })
        const posted = begin(port, event)
        assert.strictEqual(yield* begin(port, upload).answer, "HTTP/1.1 408 Request Timeout")
        posted.socket.write("56789")
        assert.strictEqual(yield* posted.answer, "HTTP/1.1 200 OK")
        posted.socket.destroy()
      })
    )
  )
})
